"""Workers that are killed, frozen or stopped while they run a job."""

import json
import signal
from pathlib import Path

import psutil
import redis

from service.contract.job import JobState
from service.store.artifacts import ArtifactStore, trace_name
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.faults.conftest import Faulty
from tests.support.waiting import wait_until
from tests.support.workers import Jobs, error_of, worker


def test_a_killed_workers_job_is_run_again_by_another_worker(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, release: Path, raw_redis: redis.Redis
) -> None:
    with worker(store_settings) as first, worker(store_settings) as second:
        job_id = jobs.submit(faulty("train_until_released"))
        jobs.wait_for_step(job_id)
        holder = str(raw_redis.hget(f"gradient-clinic:job:{job_id}", "worker"))
        busy = first if holder.endswith(f":{first.pid}") else second
        busy.send(signal.SIGKILL)
        release.touch()

        record = jobs.wait_for_end(job_id, reaping=True)

        assert record.status == JobState.SUCCEEDED
        assert record.attempt == 2


def test_no_process_outlives_a_killed_worker(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings
) -> None:
    with worker(store_settings) as lost:
        jobs.wait_for_step(jobs.submit(faulty("train_for_ever")))
        wait_until(lambda: len(lost.family()) == len(["zygote", "job"]))  # and nothing short-lived
        family = lost.family()

        lost.send(signal.SIGKILL)

        wait_until(lambda: not any(is_alive(process) for process in family), timeout=5)


def test_a_job_that_loses_every_worker_fails_with_worker_lost(
    jobs: Jobs, faulty: Faulty, store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    once = store_settings.model_copy(update={"max_attempts": 1})
    with worker(store_settings) as lost:
        client = Jobs(store, once)
        job_id = client.submit(faulty("train_for_ever"))
        client.close()
        jobs.wait_for_step(job_id)
        lost.send(signal.SIGKILL)

        record = jobs.wait_for_end(job_id, reaping=True)

        assert record.status == JobState.FAILED
        assert error_of(record)["code"] == "worker_lost"


def test_the_result_of_a_worker_that_was_frozen_past_its_lease_is_refused(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings) as frozen:
        job_id = jobs.submit(faulty("train_until_released"))
        jobs.wait_for_step(job_id)
        stale_child = frozen.job_process()
        frozen.send(signal.SIGSTOP)
        wait_until(lambda: job_id in jobs.reap(), every=0.1)
        with worker(store_settings) as second:
            jobs.wait_for_step(job_id, attempt=2)
            release.touch()  # the frozen worker's job ends now too, with a result
            frozen.send(signal.SIGCONT)

            record = jobs.wait_for_end(job_id)

            assert (record.status, record.attempt) == (JobState.SUCCEEDED, 2)
            assert "job finished" in wait_until(lambda: "job finished" in second.log() and second.log())
        wait_until(lambda: "job lost" in frozen.log())
        wait_until(lambda: not is_alive(stale_child))
        assert "job finished" not in frozen.log()
        assert jobs.record(job_id).revision == record.revision
        artifacts = ArtifactStore(store_settings.data_dir / "artifacts")
        assert artifacts.path(trace_name(job_id, 1)) is None
        assert artifacts.path(trace_name(job_id, 2)) is not None


def test_a_worker_that_is_stopped_gives_its_job_back_at_once_and_at_no_cost(
    store: BlockingJobStore, faulty: Faulty, store_settings: StoreSettings, release: Path
) -> None:
    jobs = Jobs(store, store_settings.model_copy(update={"max_attempts": 1}))
    with worker(store_settings, GRADIENT_CLINIC_SHUTDOWN_GRACE_SECONDS="0") as stopped:
        job_id = jobs.submit(faulty("train_until_released"))
        jobs.wait_for_step(job_id)
        family = stopped.family()

        stopped.send(signal.SIGTERM)

        assert stopped.wait() == 0
        assert jobs.record(job_id).status == JobState.QUEUED
        assert not any(is_alive(process) for process in family)
        assert not list((store_settings.data_dir / "scratch").iterdir())
    with worker(store_settings):
        release.touch()  # no reaper needed: the worker sent the message itself
        assert jobs.wait_for_end(job_id).status == JobState.SUCCEEDED
    jobs.close()


def test_a_worker_that_is_stopped_lets_a_job_end_that_ends_within_the_grace_time(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, GRADIENT_CLINIC_SHUTDOWN_GRACE_SECONDS="10") as stopped:
        job_id = jobs.submit(faulty("train_until_released"))
        jobs.wait_for_step(job_id)
        stopped.send(signal.SIGINT)
        release.touch()
        stopped.wait()
    record = jobs.record(job_id)
    assert (record.status, record.attempt) == (JobState.SUCCEEDED, 1)
    assert json.loads(record.diagnosis_json or "{}")["verdict"] == "healthy"


def test_a_starting_worker_removes_what_dead_ones_left(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings
) -> None:
    scratch = store_settings.data_dir / "scratch"
    with worker(store_settings) as lost:
        jobs.wait_for_step(jobs.submit(faulty("train_for_ever")))
        lost.send(signal.SIGKILL)
        lost.wait()
    (leftover,) = scratch.iterdir()
    with worker(store_settings):
        wait_until(lambda: not leftover.exists())
        wait_until(lambda: len(list(scratch.iterdir())) == 1)


def is_alive(process: psutil.Process) -> bool:
    try:
        return process.is_running() and process.status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
