"""Jobs whose worker or message was lost: run again, a bounded number of times, and never twice at once."""

import pytest
import redis

from service.contract.errors import ErrorCode, JobError
from service.contract.job import JobState
from service.store import commands
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.support import jobs
from tests.support.waiting import wait_until

SHORT_MS = 20


@pytest.fixture
def settings(store_settings: StoreSettings) -> StoreSettings:
    """Nothing is resent on its own while a test looks; no pause counts as one."""
    return store_settings.model_copy(update={"resend_seconds": 3600.0, "lease_seconds": 3600.0})


def test_a_job_whose_lease_ran_out_is_queued_again(store: BlockingJobStore, settings: StoreSettings) -> None:
    job_id = jobs.running(store, settings, lease_ms=SHORT_MS)
    store.execute(commands.renew(job_id, 1, SHORT_MS, '{"step": 3}'))

    assert wait_until(lambda: store.execute(commands.reap(settings))) == [job_id]

    record = jobs.record_of(store, job_id)
    assert (record.status, record.attempt) == (JobState.QUEUED, 1)
    assert record.progress_json is None, "the next attempt starts anew"
    assert store.execute(commands.reap(settings)) == [], "sent once"
    assert jobs.claim_again(store, job_id) == 2


def test_a_renewed_lease_is_left_alone(store: BlockingJobStore, settings: StoreSettings) -> None:
    renewed = jobs.running(store, settings, lease_ms=SHORT_MS)
    silent = jobs.running(store, settings, lease_ms=SHORT_MS)
    assert store.execute(commands.renew(renewed, 1, jobs.LEASE_MS)) == "held"

    assert wait_until(lambda: store.execute(commands.reap(settings))) == [silent]
    assert jobs.record_of(store, renewed).status == JobState.RUNNING


def test_a_job_that_loses_its_worker_too_often_fails_and_says_why(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id = jobs.queued(store, settings)
    for attempt in (1, 2):
        assert jobs.claim_again(store, job_id, SHORT_MS) == attempt
        assert wait_until(lambda: store.execute(commands.reap(settings))) == [job_id]
    jobs.claim_again(store, job_id, SHORT_MS)
    wait_until(lambda: store.execute(commands.reap(settings)) or jobs.record_of(store, job_id).status.final)

    record = jobs.record_of(store, job_id)
    assert (record.status, record.attempt) == (JobState.FAILED, 3)
    assert record.expires_at is not None
    error = JobError.model_validate_json(record.error_json or "")
    assert error == JobError.of(ErrorCode.WORKER_LOST, error.detail)
    assert "3 attempts" in error.detail
    assert "worker-a" in error.detail


def test_a_released_attempt_counts_and_its_reason_is_kept(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    once = settings.model_copy(update={"max_attempts": 2})
    job_id = jobs.running(store, once)

    assert store.execute(commands.release(job_id, 1, "first reason")) == "requeued"
    assert store.execute(commands.reap(settings)) == [job_id], "the reaper sends its message at once"
    jobs.claim_again(store, job_id)
    assert store.execute(commands.release(job_id, 2, 'it said "ouch"')) == "failed"

    error = JobError.model_validate_json(jobs.record_of(store, job_id).error_json or "")
    assert error.detail == 'Given up after 2 attempts that lost their worker. The last: it said "ouch"'


def test_an_attempt_that_ended_with_an_orderly_stop_is_not_held_against_the_job(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    once = settings.model_copy(update={"max_attempts": 1})
    job_id = jobs.queued(store, once)

    for attempt in (1, 2, 3):
        assert jobs.claim_again(store, job_id) == attempt, "the number that fences grows all the same"
        release = commands.release(job_id, attempt, "its worker was stopped", counted=False)
        assert store.execute(release) == "requeued"

    jobs.claim_again(store, job_id)
    assert store.execute(commands.release(job_id, 4, "lost")) == "failed"


def test_a_cancelling_job_whose_worker_died_is_cancelled(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id = jobs.cancelling(store, settings, lease_ms=SHORT_MS)

    wait_until(lambda: store.execute(commands.reap(settings)) or jobs.record_of(store, job_id).status.final)

    record = jobs.record_of(store, job_id)
    assert (record.status, record.error_json) == (JobState.CANCELLED, None)


@pytest.mark.parametrize(
    ("waiting_messages", "expected_pauses_ms"), [(0, [20, 20, 20]), (1, [40, 80, 160])], ids=["idle", "busy"]
)
def test_a_job_nobody_takes_gets_more_messages_but_ever_more_rarely_while_others_wait(
    store: BlockingJobStore,
    settings: StoreSettings,
    raw_redis: redis.Redis,
    waiting_messages: int,
    expected_pauses_ms: list[int],
) -> None:
    soon = settings.model_copy(update={"resend_seconds": 0.02})
    job_id = jobs.queued(store, soon)
    for _ in range(waiting_messages):
        raw_redis.rpush("gradient-clinic", "somebody else's message")

    pauses = []
    for _ in range(3):
        assert wait_until(lambda: store.execute(commands.reap(soon))) == [job_id]
        looked_at = int(raw_redis.hget("gradient-clinic:reaper", "looked_at") or 0)
        pauses.append((raw_redis.zscore("gradient-clinic:due", job_id) or 0) - looked_at)

    assert pauses == expected_pauses_ms
    assert jobs.record_of(store, job_id).status == JobState.QUEUED


def test_after_a_pause_of_everybody_holders_may_renew_before_leases_are_taken(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    # Given a reaper that looked, then two leases that run out while nobody looks or renews
    settings = store_settings.model_copy(update={"lease_seconds": 0.3, "resend_seconds": 3600.0})
    store.execute(commands.reap(settings))
    alive, dead = (jobs.running(store, settings, lease_ms=SHORT_MS) for _ in range(2))
    looked_at = int(raw_redis.hget("gradient-clinic:reaper", "looked_at") or 0)
    wait_until(lambda: _redis_ms(raw_redis) > looked_at + 160)

    # When it looks again
    assert store.execute(commands.reap(settings)) == []

    # Then he who lives keeps his job and only the other one's is taken, although the reaper looks rarely
    assert store.execute(commands.renew(alive, 1, jobs.LEASE_MS)) == "held"
    assert wait_until(lambda: store.execute(commands.reap(settings)), every=0.2) == [dead]


def test_reaping_is_bounded_and_goes_on_where_it_stopped(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    lost = {jobs.running(store, settings, lease_ms=1) for _ in range(150)}

    first = wait_until(lambda: store.execute(commands.reap(settings)))
    second = store.execute(commands.reap(settings))

    assert len(first) == 100
    assert set(first) | set(second) == lost


def _redis_ms(raw_redis: redis.Redis) -> int:
    seconds, microseconds = raw_redis.time()
    return seconds * 1000 + microseconds // 1000
