"""Deleting and expiring: nothing stays but a tombstone, and that not for ever."""

import pytest
import redis

from service.contract.job import JobState
from service.store import commands
from service.store.jobs import BlockingJobStore
from service.store.records import Tombstone
from service.store.settings import StoreSettings
from tests.support import jobs
from tests.support.waiting import wait_until


@pytest.fixture
def brief(store_settings: StoreSettings) -> StoreSettings:
    """Final jobs expire at once; their tombstones do not."""
    return store_settings.model_copy(update={"retention_seconds": 0.001})


def test_a_deleted_job_leaves_a_tombstone(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    job_id = jobs.finished(store, store_settings)
    finished_at = jobs.record_of(store, job_id).finished_at

    assert store.execute(commands.delete(job_id)) == "deleted"

    left = store.execute(commands.read(job_id))
    assert isinstance(left, Tombstone)
    assert (left.job_id, left.kind) == (job_id, "deleted")
    assert finished_at is not None
    assert left.removed_at >= finished_at
    assert store.execute(commands.delete(job_id)) == "unknown"


@pytest.mark.parametrize("state", [state for state in JobState if state.final])
def test_a_final_job_expires(store: BlockingJobStore, brief: StoreSettings, state: JobState) -> None:
    job_id = jobs.finished(store, brief, state)

    assert wait_until(lambda: store.execute(commands.expire())) == [job_id]

    left = store.execute(commands.read(job_id))
    assert isinstance(left, Tombstone)
    assert left.kind == "expired"
    assert store.execute(commands.expire()) == []


def test_a_job_expires_neither_before_its_time_nor_while_it_runs(
    store: BlockingJobStore, store_settings: StoreSettings, brief: StoreSettings
) -> None:
    keeps = [jobs.finished(store, store_settings), jobs.running(store, brief), jobs.queued(store, brief)]
    goes = jobs.finished(store, brief)

    assert wait_until(lambda: store.execute(commands.expire())) == [goes]
    assert store.execute(commands.unknown([*keeps, goes])) == [goes]


def test_expiry_goes_in_batches(store: BlockingJobStore, brief: StoreSettings) -> None:
    expected = {jobs.finished(store, brief) for _ in range(5)}
    last = max(jobs.record_of(store, job_id).expires_at for job_id in expected)  # type: ignore[type-var]
    marker = jobs.finished(store, brief)
    wait_until(lambda: jobs.record_of(store, marker).expires_at >= last)  # type: ignore[operator]

    removed = [store.execute(commands.expire(batch=2)) for _ in range(2)]

    assert [len(batch) for batch in removed] == [2, 2]
    assert {job_id for batch in removed for job_id in batch} < expected | {marker}


def test_nothing_of_a_removed_job_stays_in_redis(
    store: BlockingJobStore, brief: StoreSettings, raw_redis: redis.Redis
) -> None:
    # Given two jobs that had all a job can have, one to be deleted and one to expire
    settings = brief.model_copy(update={"tombstone_seconds": 0.5})
    gone = []
    for number in range(2):
        job = jobs.new_job(key=f"key-{number}")
        store.execute(commands.submit(job, settings))
        jobs.claim_again(store, job.id)
        store.execute(commands.renew(job.id, 1, jobs.LEASE_MS, "{}"))
        store.execute(commands.release(job.id, 1, "lost"))
        store.execute(commands.reap(settings))
        jobs.claim_again(store, job.id)
        store.execute(commands.finish(job.id, 2, JobState.FAILED, "{}", "{}", "healthy"))
        gone.append(job.id)

    # When they are removed
    store.execute(commands.delete(gone[0]))
    wait_until(lambda: store.execute(commands.expire()))

    # Then only their tombstones are left, for a while; and the reaper's memory, which is of no job
    tombstones = {f"gradient-clinic:tombstone:{job_id}" for job_id in gone}
    assert set(raw_redis.scan_iter()) == {"gradient-clinic:reaper", *tombstones}
    wait_until(lambda: set(raw_redis.scan_iter()) == {"gradient-clinic:reaper"})
    assert store.execute(commands.read(gone[0])) is None


def test_every_key_has_a_known_purpose(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    for state in JobState:
        jobs.in_state(store, store_settings, state)
    store.execute(commands.submit(jobs.new_job(key="key"), store_settings))
    store.execute(commands.delete(jobs.finished(store, store_settings)))
    store.execute(commands.reap(store_settings))

    kinds = {":".join(key.split(":")[:2]) for key in raw_redis.scan_iter()}
    known = {"job", "jobs", "due", "expiring", "idempotency", "tombstone", "reaper"}
    assert kinds == {f"gradient-clinic:{kind}" for kind in known}
    for key in raw_redis.scan_iter():
        dies = key.split(":")[1] in {"idempotency", "tombstone"}
        assert (raw_redis.ttl(key) > 0) == dies, key
