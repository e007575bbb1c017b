"""Where a protection is missing: jobs run all the same, and everybody is told."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest
from starlette.testclient import TestClient

from service.app import create_app
from service.contract.job import JobRequest, JobState
from service.settings import Settings
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from service.store.worker_reports import forget_worker, read_isolation, report_worker
from tests.integration.uploads.conftest import UploadingJobs
from tests.support import lesser_host
from tests.support.requests import job_request
from tests.support.waiting import wait_until
from tests.support.workers import Jobs, error_of, worker
from workers.isolation.confinement.policy import PROTECTIONS, Protections

ALL = dict.fromkeys(PROTECTIONS, True)


@pytest.mark.parametrize("missing", PROTECTIONS)
def test_a_missing_protection_is_found_with_its_reason_and_the_others_hold(
    missing: str, tmp_path: Path
) -> None:
    probe = [sys.executable, "-m", "workers.isolation.confinement.probe", "--scratch", str(tmp_path)]
    done = subprocess.run([*lesser_host.command(missing), *probe], capture_output=True, check=True)
    found = Protections.model_validate_json(done.stdout)
    # Where Python lies in root's own folder, another user can reach it only because Landlock allows it to.
    along_with_it = {"unprivileged"} if missing == "landlock" else set()
    assert {missing} <= set(found.missing) <= {missing} | along_with_it
    assert all(found.missing.values())


def test_a_worker_on_a_lesser_host_warns_tells_the_health_check_and_runs_jobs(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    request = JobRequest.model_validate(job_request(metadata={"entry": "succeed"}))
    jobs = Jobs(store, store_settings)
    with (
        TestClient(create_app(Settings(store=store_settings, log_level="error"))) as api,
        worker(store_settings, launcher=lesser_host.command("landlock", "network")) as lesser,
    ):
        assert jobs.wait_for_end(jobs.submit(request)).status == JobState.SUCCEEDED
        told = api.get("/health/ready").json()["isolation"]
        assert (told["landlock"], told["seccomp"], told["network"]) == (False, True, False)
        assert "less isolated" in lesser.log()
        assert "no Landlock" in lesser.log()
    jobs.close()


def test_a_worker_that_stops_takes_its_word_back(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    with worker(store_settings) as stopped:
        wait_until(lambda: store.execute(read_isolation()))
        stopped.send(signal.SIGTERM)
        stopped.wait()
        assert store.execute(read_isolation()) == {}


def test_the_health_check_tells_what_all_live_workers_have(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    with TestClient(create_app(Settings(store=store_settings, log_level="error"))) as api:
        assert "isolation" not in api.get("/health/ready").json()
        store.execute(report_worker("one", ALL, 60_000))
        assert api.get("/health/ready").json()["isolation"] == ALL
        store.execute(report_worker("two", ALL | {"network": False}, 60_000))
        assert api.get("/health/ready").json()["isolation"] == ALL | {"network": False}
        assert "isolation_required" not in api.get("/health/ready").json()
        store.execute(forget_worker("two"))
        assert api.get("/health/ready").json()["isolation"] == ALL


def test_a_worker_that_says_nothing_more_is_forgotten(store: BlockingJobStore) -> None:
    store.execute(report_worker("gone", ALL | {"seccomp": False}, 1))
    store.execute(report_worker("here", ALL, 60_000))
    wait_until(lambda: store.execute(read_isolation()) == ALL)


@pytest.mark.parametrize(("required", "status"), [("true", JobState.FAILED), ("false", JobState.SUCCEEDED)])
def test_uploads_can_be_refused_where_landlock_or_seccomp_is_missing(
    store: BlockingJobStore, store_settings: StoreSettings, required: str, status: JobState
) -> None:
    content = b"any file: the job's code is not the product's here"
    data = {"kind": "upload", "dataset": UploadingJobs.checkpoint_id(content)}
    uploading = JobRequest.model_validate(job_request(metadata={"entry": "succeed"}) | {"data": data})
    other = JobRequest.model_validate(job_request(metadata={"entry": "succeed"}))
    jobs = UploadingJobs(store, store_settings)
    lesser = lesser_host.command("seccomp")
    with (
        TestClient(create_app(Settings(store=store_settings, log_level="error"))) as api,
        worker(store_settings, launcher=lesser, GRADIENT_CLINIC_REQUIRE_CONFINEMENT=required),
    ):
        ended = jobs.wait_for_end(jobs.submit(uploading, dataset=content))
        assert ended.status == status, ended.error_json
        assert jobs.wait_for_end(jobs.submit(other)).status == JobState.SUCCEEDED
        assert api.get("/health/ready").json()["isolation_required"] is (required == "true")
        if status == JobState.FAILED:
            assert "Landlock and seccomp" in error_of(ended)["detail"]
    jobs.close()
