"""Submitting: idempotency, a full queue, and what is kept."""

from dataclasses import replace

import redis

from service.contract.job import JobState
from service.store import commands
from service.store.ids import new_job_id
from service.store.jobs import BlockingJobStore
from service.store.records import Submission
from service.store.settings import StoreSettings
from tests.support import jobs


def test_a_submitted_job_is_kept_as_it_came(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    job = jobs.new_job(caller="ada")

    assert store.execute(commands.submit(job, store_settings)) == Submission("created", job.id)

    record = jobs.record_of(store, job.id)
    assert (record.id, record.status, record.caller) == (job.id, JobState.QUEUED, "ada")
    assert (record.request_json, record.expanded_json) == (job.request_json, job.expanded_json)
    assert (record.attempt, record.revision) == (0, 1)
    assert record.created_at.utcoffset() is not None
    assert record.started_at is record.finished_at is record.expires_at is None
    assert record.progress_json is record.verdict is record.error_json is record.diagnosis_json is None


def test_a_known_key_with_the_same_body_replays_the_first_job(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    first, second = (jobs.new_job(key="key-1", body_hash="same") for _ in range(2))
    store.execute(commands.submit(first, store_settings))

    assert store.execute(commands.submit(second, store_settings)) == Submission("replayed", first.id)
    assert store.execute(commands.read(second.id)) is None


def test_a_known_key_with_another_body_is_a_conflict(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    first = jobs.new_job(key="key-1", body_hash="one")
    store.execute(commands.submit(first, store_settings))

    other = jobs.new_job(key="key-1", body_hash="two")
    assert store.execute(commands.submit(other, store_settings)) == Submission("conflict", first.id)
    assert store.execute(commands.read(other.id)) is None


def test_a_key_counts_for_its_caller_only(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    # The third pair reads the same as the first when written without a separator.
    for caller, key in (("ada", "key"), ("bob", "key"), ("adak", "ey")):
        job = jobs.new_job(caller=caller, key=key)
        assert store.execute(commands.submit(job, store_settings)).outcome == "created"


def test_a_key_is_remembered_for_a_day(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    store.execute(commands.submit(jobs.new_job(key="key-1"), store_settings))

    (key,) = raw_redis.scan_iter("gradient-clinic:idempotency:*")
    assert 0 < raw_redis.pttl(key) <= store_settings.idempotency_seconds * 1000


def test_a_deleted_job_takes_its_key_with_it(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    job = jobs.new_job(key="key-1")
    store.execute(commands.submit(job, store_settings))
    store.execute(commands.cancel(job.id))
    store.execute(commands.delete(job.id))

    again = jobs.new_job(key="key-1")
    assert store.execute(commands.submit(again, store_settings)) == Submission("created", again.id)


def test_a_full_queue_refuses_and_keeps_nothing(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    settings = store_settings.model_copy(update={"max_queued": 2})
    first = jobs.queued(store, settings)
    jobs.queued(store, settings)
    keys = set(raw_redis.scan_iter())

    refused = jobs.new_job(key="key-1")
    assert store.execute(commands.submit(refused, settings)) == Submission("queue_full", None)
    assert set(raw_redis.scan_iter()) == keys

    jobs.claim_again(store, first)  # makes room: only waiting jobs count
    assert store.execute(commands.submit(refused, settings)).outcome == "created"


def test_a_full_queue_still_replays(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    settings = store_settings.model_copy(update={"max_queued": 1})
    first = jobs.new_job(key="key-1")
    store.execute(commands.submit(first, settings))

    replay = replace(first, id=new_job_id())
    assert store.execute(commands.submit(replay, settings)) == Submission("replayed", first.id)


def test_submitting_again_because_the_answer_was_lost_creates_no_second_job(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    for job in (jobs.new_job(key="key-1"), jobs.new_job()):
        command = commands.submit(job, store_settings)
        assert store.execute(command) == Submission("created", job.id)
        jobs.claim_again(store, job.id)  # the world went on before the client asked again
        record = jobs.record_of(store, job.id)

        assert store.execute(command) == Submission("created", job.id)
        assert jobs.record_of(store, job.id) == record
