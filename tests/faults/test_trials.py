"""Trials on real workers: made by whoever is free, lost and made again, and never the end of their job."""

import json
from pathlib import Path

from service.contract.data_spec import UploadData
from service.contract.job import JobState
from service.contract.upload import UploadKind
from service.store import upload_commands
from service.store.artifacts import ArtifactStore, trace_name
from service.store.jobs import BlockingJobStore
from service.store.records import UploadKey
from service.store.settings import StoreSettings
from tests.faults.conftest import Faulty
from tests.faults.entries import healthy
from tests.faults.trying import WORKER, gathered, intervals, statuses, trying, wait_for_running
from tests.support.uploads import upload_id, write_upload
from tests.support.workers import Jobs, error_of, worker


def test_a_single_worker_goes_through_all_rounds_of_a_job_by_itself(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER):
        job_id = jobs.submit(trying(release, 1, 3))
        record = jobs.wait_for_end(job_id)  # nobody reaps: every message was sent by the worker

    assert (record.status, record.attempt) == (JobState.SUCCEEDED, 1)
    assert gathered(record)["numbers"] == [0, 1, 2, 3]
    assert statuses(jobs, job_id) == ["done"] * 4
    artifacts = ArtifactStore(store_settings.data_dir / "artifacts")
    assert artifacts.path(trace_name(job_id, record.traced_by)) is not None


def test_two_workers_make_trials_of_a_job_at_the_same_time(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER), worker(store_settings, WORKER):
        job_id = jobs.submit(trying(release, 4, trial="when_released"))
        wait_for_running(jobs, job_id, 2)
        release.touch()
        record = jobs.wait_for_end(job_id)

    assert gathered(record)["numbers"] == [0, 1, 2, 3]
    by_beginning = sorted(intervals(record))
    assert by_beginning[1][0] < by_beginning[0][1], "the second began before the first was done"


def test_a_new_job_does_not_wait_behind_another_jobs_trials(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER):
        trials = jobs.submit(trying(release, 8, trial="when_released"))
        wait_for_running(jobs, trials)
        new = jobs.submit(faulty("succeed"))
        release.touch()
        record = jobs.wait_for_end(trials)
        finished_at = jobs.wait_for_end(new).finished_at

    assert finished_at is not None
    later = [began for began, _ in intervals(record) if began > finished_at.timestamp()]
    assert len(later) >= 5, "at most two units of work come before it"


def test_trials_that_go_wrong_say_why_and_the_job_goes_on(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER):
        job_id = jobs.submit(trying(release, 5, trial="in_a_way_of_its_own", seconds=2.0))
        record = jobs.wait_for_end(job_id)

    *failed, last = gathered(record)["results"]
    reasons = ["SIGKILL", "limit of 2 seconds", "512 MiB", "layer 3 does not fit"]
    for result, reason in zip(failed, reasons, strict=True):
        assert reason in result["reason"]
    assert last["kind"] == "done"
    assert record.status == JobState.SUCCEEDED


def test_trials_get_the_files_of_their_job(
    store: BlockingJobStore, jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    artifacts, content = ArtifactStore(store_settings.data_dir / "artifacts"), b"uploaded"
    key = UploadKey(UploadKind.DATASET, upload_id(content))
    name = write_upload(artifacts, content)
    store.execute(upload_commands.register_upload(key, name, len(content), store_settings))
    uploaded = {"data": UploadData(dataset=key.id)}
    request = trying(release, 2, trial="reading_the_upload").model_copy(update=uploaded)

    with worker(store_settings, WORKER):
        record = jobs.wait_for_end(jobs.submit(request))
    assert [result["kind"] for result in gathered(record)["results"]] == ["done", "done"]


def test_a_job_that_orders_more_than_it_was_granted_fails(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER) as suspicious:
        record = jobs.wait_for_end(jobs.submit(trying(release, 1, greedy=True)))
        assert error_of(record)["code"] == "internal"
        assert "ordered what it may not" in suspicious.log()


def test_cancelling_stops_the_trial_that_runs_and_those_that_wait(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER) as busy:
        job_id = jobs.submit(trying(release, 5, trial="when_released"))
        wait_for_running(jobs, job_id)
        child = busy.job_process()

        assert jobs.cancel(job_id) == "cancelling"

        record = jobs.wait_for_end(job_id, timeout=5)
        assert record.status == JobState.CANCELLED
        assert not child.is_running()
        assert json.loads(record.diagnosis_json or "null") == healthy().model_dump(mode="json")
