"""Leases and attempts: who may run a job, and whose result counts."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
import redis

from service.contract.job import JobState
from service.store import commands
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.support import jobs


def test_fifty_claims_at_once_give_one_winner(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    job_id = jobs.queued(store, store_settings)
    start = threading.Barrier(50)

    def claim(number: int) -> bool:
        start.wait()
        return store.execute(commands.claim(job_id, f"worker-{number}", jobs.LEASE_MS)) is not None

    with ThreadPoolExecutor(50) as pool:
        won = list(pool.map(claim, range(50)))

    assert won.count(True) == 1
    assert jobs.record_of(store, job_id).attempt == 1


def test_a_claim_whose_answer_was_lost_can_be_asked_again(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id = jobs.queued(store, store_settings)
    command = commands.claim(job_id, "worker-a", jobs.LEASE_MS)

    first, again = store.execute(command), store.execute(command)

    assert first == again
    assert first is not None
    assert jobs.record_of(store, job_id).attempt == 1
    assert store.execute(commands.claim(job_id, "worker-a", jobs.LEASE_MS)) is None  # another claim is not it


def test_a_claim_sets_the_start_and_the_lease(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id = jobs.running(store, store_settings, lease_ms=5000)

    started_at = jobs.record_of(store, job_id).started_at
    assert started_at is not None
    lease_end = raw_redis.zscore("gradient-clinic:due", job_id)
    assert lease_end == pytest.approx(started_at.timestamp() * 1000 + 5000, abs=1)


def test_a_renewal_extends_the_lease_and_shows_progress(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id = jobs.running(store, store_settings, lease_ms=5000)
    lease_end = raw_redis.zscore("gradient-clinic:due", job_id) or 0.0
    revision = jobs.record_of(store, job_id).revision

    assert store.execute(commands.renew(job_id, 1, 90_000, '{"step": 3}')) == "held"

    assert (raw_redis.zscore("gradient-clinic:due", job_id) or 0.0) >= lease_end + 80_000
    assert jobs.record_of(store, job_id).progress_json == '{"step": 3}'
    assert jobs.record_of(store, job_id).revision == revision + 1


def test_a_cancelling_job_still_shows_progress(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id = jobs.cancelling(store, store_settings)

    assert store.execute(commands.renew(job_id, 1, jobs.LEASE_MS, '{"step": 3}')) == "cancel"
    assert jobs.record_of(store, job_id).progress_json == '{"step": 3}'


def test_a_finished_job_shows_its_result_and_when_it_expires(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id = jobs.running(store, store_settings)
    finish = commands.finish(job_id, 1, JobState.SUCCEEDED, diagnosis_json='{"d": 1}', verdict="healthy")

    assert store.execute(finish)

    record = jobs.record_of(store, job_id)
    assert (record.status, record.verdict) == (JobState.SUCCEEDED, "healthy")
    assert (record.diagnosis_json, record.error_json) == ('{"d": 1}', None)
    assert record.finished_at is not None
    assert record.expires_at is not None
    kept = (record.expires_at - record.finished_at).total_seconds()
    assert kept == pytest.approx(store_settings.retention_seconds)


def test_a_finish_whose_answer_was_lost_is_accepted_again(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id = jobs.running(store, store_settings)
    command = commands.finish(job_id, 1, JobState.FAILED, error_json="{}")

    assert store.execute(command)
    assert store.execute(command)

    assert not store.execute(commands.finish(job_id, 1, JobState.SUCCEEDED))  # a second opinion is not
    assert jobs.record_of(store, job_id).status == JobState.FAILED


def test_a_stale_attempt_changes_nothing(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    # Given an attempt that was given up while its worker still runs, and the next attempt
    job_id = jobs.running(store, store_settings)
    assert store.execute(commands.release(job_id, 1, "silent")) == "requeued"
    assert jobs.claim_again(store, job_id) == 2
    before = jobs.record_of(store, job_id)

    # When the stale one speaks
    assert store.execute(commands.renew(job_id, 1, 1, '{"step": 9}')) == "lost"
    assert not store.execute(commands.finish(job_id, 1, JobState.SUCCEEDED, diagnosis_json="{}"))
    assert store.execute(commands.release(job_id, 1, "again")) == "stale"

    # Then nobody heard it
    assert jobs.record_of(store, job_id) == before
    assert store.execute(commands.finish(job_id, 2, JobState.SUCCEEDED))


def test_a_job_that_is_being_cancelled_ends_as_cancelled_without_a_result(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id = jobs.cancelling(store, store_settings)
    finish = commands.finish(job_id, 1, JobState.SUCCEEDED, diagnosis_json="{}", verdict="healthy")

    assert store.execute(finish)

    record = jobs.record_of(store, job_id)
    assert record.status == JobState.CANCELLED
    assert record.diagnosis_json is record.verdict is record.error_json is None


def test_a_job_cannot_finish_as_running() -> None:
    with pytest.raises(ValueError, match="running"):
        commands.finish("job", 1, JobState.RUNNING)
