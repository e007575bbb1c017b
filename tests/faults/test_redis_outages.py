"""Redis goes away and comes back while a job runs."""

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.contract.job import JobState
from service.store.embedded_redis import EmbeddedRedis
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.faults.conftest import Faulty
from tests.support.waiting import wait_until
from tests.support.workers import Jobs, worker


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server that this test may stop."""
    with EmbeddedRedis(tmp_path / "data") as server:
        yield server


@pytest.fixture
def store_settings(own_redis: EmbeddedRedis, tmp_path: Path) -> StoreSettings:
    return StoreSettings(redis_url=own_redis.url, data_dir=tmp_path / "data", lease_seconds=2.0)


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[BlockingJobStore]:
    with BlockingJobStore(store_settings.redis_url) as job_store:
        yield job_store


def test_a_job_goes_on_while_redis_restarts_and_is_not_run_twice(
    own_redis: EmbeddedRedis, jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings) as busy:
        job_id = jobs.submit(faulty("train_until_released"))
        jobs.wait_for_step(job_id)
        child = busy.job_process()

        own_redis.stop()
        own_redis.start()
        before = jobs.record(job_id).revision
        wait_until(lambda: jobs.reap() or jobs.record(job_id).revision > before, what="progress")
        assert child.is_running()
        release.touch()

        record = jobs.wait_for_end(job_id, reaping=True)
        assert (record.status, record.attempt) == (JobState.SUCCEEDED, 1)


def test_a_result_that_is_ready_while_redis_is_away_is_kept_until_it_is_back(
    own_redis: EmbeddedRedis, jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings) as busy:
        job_id = jobs.submit(faulty("train_until_released"))
        jobs.wait_for_step(job_id)
        child = busy.job_process()
        own_redis.stop()
        release.touch()
        wait_until(lambda: not child.is_running())

        own_redis.start()

        record = jobs.wait_for_end(job_id, reaping=True)
        assert (record.status, record.attempt) == (JobState.SUCCEEDED, 1)
        assert jobs.wait_for_end(jobs.submit(faulty("succeed"))).status == JobState.SUCCEEDED


def test_a_worker_that_is_stopped_while_redis_does_not_answer_ends_all_the_same(
    own_redis: EmbeddedRedis, jobs: Jobs, faulty: Faulty, store_settings: StoreSettings
) -> None:
    with worker(store_settings, GRADIENT_CLINIC_SHUTDOWN_GRACE_SECONDS="0") as stopped:
        jobs.wait_for_step(jobs.submit(faulty("train_for_ever")))
        family = stopped.family()
        assert own_redis.pid is not None
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            stopped.send(signal.SIGTERM)
            stopped.wait(timeout=30)
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        assert not any(process.is_running() for process in family)
