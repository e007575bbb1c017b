"""Uploads in the store: one file per content, kept while it is needed and not for ever."""

from dataclasses import replace
from datetime import timedelta

import pytest
import redis

from service.contract.job import JobState
from service.store import commands, upload_commands
from service.store.errors import InvalidCursorError
from service.store.ids import cursor_after, new_job_id
from service.store.jobs import BlockingJobStore
from service.store.records import NewJob, Submission, UploadKey, UploadRecord, UploadRemoval
from service.store.settings import StoreSettings
from tests.support import jobs
from tests.support.uploads import CHECKPOINT, DATASET, registered, upload_id, upload_key
from tests.support.waiting import wait_until

PREFIX = "gradient-clinic:"


@pytest.fixture
def brief(store_settings: StoreSettings) -> StoreSettings:
    """Uploads that nobody uses expire at once."""
    return store_settings.model_copy(update={"upload_retention_seconds": 0.001})


def read(store: BlockingJobStore, record: UploadRecord) -> UploadRecord:
    found = store.execute(upload_commands.read_upload(record.id, record.kind))
    assert found is not None
    return found


def job_with(*records: UploadRecord, key: str | None = None) -> NewJob:
    return replace(jobs.new_job(key=key), uploads=tuple(upload_key(record) for record in records))


def submitted(store: BlockingJobStore, settings: StoreSettings, *records: UploadRecord) -> str:
    job = job_with(*records)
    assert store.execute(commands.submit(job, settings)).outcome == "created"
    return job.id


def expire(store: BlockingJobStore) -> list[UploadRemoval]:
    return store.execute(upload_commands.expire_uploads(100))


def test_an_upload_is_kept_for_its_time(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    registration = registered(store, store_settings, b"weights")

    record = registration.record
    assert registration.outcome == "created"
    assert (record.id, record.kind, record.size_bytes) == (upload_id(b"weights"), CHECKPOINT, 7)
    assert record.jobs == 0
    assert record.expires_at - record.created_at == timedelta(days=7)
    assert record.artifact.startswith(f"uploads/{record.id.removeprefix('sha256:')}/")
    assert read(store, record) == record
    assert expire(store) == []


def test_what_was_never_uploaded_is_not_there(store: BlockingJobStore) -> None:
    key = UploadKey(CHECKPOINT, upload_id(b"never"))
    assert store.execute(upload_commands.read_upload(key.id, key.kind)) is None
    assert store.execute(upload_commands.delete_upload(key)) == UploadRemoval("unknown")


def test_a_known_content_keeps_its_file_and_its_time_begins_anew(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    brief = store_settings.model_copy(update={"upload_retention_seconds": 60})
    first = registered(store, brief, b"weights").record

    again = registered(store, store_settings, b"weights")

    assert again.outcome == "known"
    assert (again.record.artifact, again.record.created_at) == (first.artifact, first.created_at)
    assert again.record.expires_at - first.expires_at > timedelta(days=6)


def test_registering_again_because_the_answer_was_lost_gives_the_first_answer(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    key = UploadKey(DATASET, upload_id(b"data"))
    command = upload_commands.register_upload(key, "uploads/a/b", 4, store_settings)
    first, again = store.execute(command), store.execute(command)
    assert first.outcome == again.outcome == "created"
    assert first.record.artifact == again.record.artifact


def test_one_content_for_two_purposes_is_one_file_that_stays_until_neither_needs_it(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    checkpoint = registered(store, store_settings, b"both", CHECKPOINT)
    dataset = registered(store, store_settings, b"both", DATASET)
    assert (checkpoint.outcome, dataset.outcome) == ("created", "created")
    assert dataset.record.artifact == checkpoint.record.artifact

    first = store.execute(upload_commands.delete_upload(upload_key(checkpoint.record)))
    assert first == UploadRemoval("deleted", None)
    assert read(store, dataset.record) == dataset.record

    last = store.execute(upload_commands.delete_upload(upload_key(dataset.record)))
    assert last == UploadRemoval("deleted", dataset.record.artifact)


def test_a_file_that_is_lost_is_replaced_by_the_next_upload_for_every_purpose(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    checkpoint = registered(store, store_settings, b"both", CHECKPOINT).record
    dataset = registered(store, store_settings, b"both", DATASET).record

    key = upload_key(checkpoint)
    command = upload_commands.register_upload(
        key, "uploads/new/1", 4, store_settings, lost=checkpoint.artifact
    )
    assert store.execute(command).record.artifact == "uploads/new/1"
    assert read(store, dataset).artifact == "uploads/new/1"

    stale = upload_commands.register_upload(key, "uploads/new/2", 4, store_settings, lost=checkpoint.artifact)
    assert store.execute(stale).record.artifact == "uploads/new/1", "only what was lost is replaced"


def test_an_upload_whose_time_is_over_goes_and_gives_its_file(
    store: BlockingJobStore, brief: StoreSettings, raw_redis: redis.Redis
) -> None:
    record = registered(store, brief, b"weights").record

    assert wait_until(lambda: expire(store)) == [UploadRemoval("deleted", record.artifact)]
    assert store.execute(upload_commands.read_upload(record.id, record.kind)) is None
    assert list(raw_redis.scan_iter()) == []


@pytest.mark.parametrize("state", [state for state in JobState if not state.final])
def test_an_upload_of_an_unfinished_job_neither_expires_nor_can_be_deleted(
    store: BlockingJobStore, brief: StoreSettings, state: JobState
) -> None:
    # Given a job in that state, and another upload whose time is over at the same moment
    record = registered(store, brief, b"used").record
    job_id = submitted(store, brief, record)
    if state is not JobState.QUEUED:
        jobs.claim_again(store, job_id)
    if state is JobState.CANCELLING:
        store.execute(commands.cancel(job_id))
    unused = registered(store, brief, b"unused").record

    # When uploads expire
    assert wait_until(lambda: expire(store)) == [UploadRemoval("deleted", unused.artifact)]

    # Then the used one is there
    assert read(store, record).jobs == 1
    assert store.execute(upload_commands.delete_upload(upload_key(record))) == UploadRemoval("in_use")


@pytest.mark.parametrize("end", ["finish", "cancel", "release", "cancelling and finish"])
def test_the_last_job_that_ends_lets_the_upload_s_time_begin(
    store: BlockingJobStore, brief: StoreSettings, end: str
) -> None:
    record = registered(store, brief, b"used").record
    once = brief.model_copy(update={"max_attempts": 1})
    first, second = (submitted(store, once, record) for _ in range(2))
    assert read(store, record).jobs == 2
    store.execute(commands.cancel(first))
    assert read(store, record).jobs == 1

    if end != "cancel":
        jobs.claim_again(store, second)
    if end in {"cancel", "cancelling and finish"}:
        store.execute(commands.cancel(second))
    if end == "release":
        assert store.execute(commands.release(second, 1, "lost")) == "failed"
    if "finish" in end:
        for _ in range(2):  # an answer that was lost
            store.execute(commands.finish(second, 1, JobState.FAILED, "{}"))

    ended = read(store, record)
    assert ended.jobs == 0
    assert ended.expires_at > record.expires_at
    assert wait_until(lambda: expire(store)) == [UploadRemoval("deleted", record.artifact)]


def test_a_job_that_is_queued_again_keeps_its_uploads(store: BlockingJobStore, brief: StoreSettings) -> None:
    record = registered(store, brief, b"used").record
    job_id = submitted(store, brief, record)
    jobs.claim_again(store, job_id)
    assert store.execute(commands.release(job_id, 1, "lost")) == "requeued"
    assert read(store, record).jobs == 1


def test_a_job_whose_upload_is_not_there_is_refused_and_nothing_is_kept(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    here = registered(store, store_settings, b"here").record
    keys = set(raw_redis.scan_iter())
    absent = UploadKey(DATASET, here.id)  # the content is here, but for another purpose
    job = replace(job_with(here, key="once"), uploads=(upload_key(here), absent))

    answer = store.execute(commands.submit(job, store_settings))

    assert answer == Submission("uploads_missing", None, (str(absent),))
    assert set(raw_redis.scan_iter()) == keys
    assert read(store, here).jobs == 0


def test_a_replayed_or_refused_submission_uses_nothing(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    settings = store_settings.model_copy(update={"max_queued": 1})
    record = registered(store, settings, b"used").record
    first = job_with(record, key="once")
    command = commands.submit(first, settings)
    for again in (command, command, commands.submit(replace(first, id=new_job_id()), settings)):
        assert store.execute(again).job_id == first.id
    assert store.execute(commands.submit(job_with(record), settings)).outcome == "queue_full"
    assert read(store, record).jobs == 1


def test_a_replayed_submission_does_not_mind_that_the_upload_is_gone(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    record = registered(store, store_settings, b"used").record
    job = job_with(record, key="once")
    store.execute(commands.submit(job, store_settings))
    store.execute(commands.cancel(job.id))
    store.execute(upload_commands.delete_upload(upload_key(record)))

    again = store.execute(commands.submit(replace(job, id=new_job_id()), store_settings))
    assert again == Submission("replayed", job.id)


def test_jobs_of_earlier_versions_which_know_no_uploads_still_end(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id = jobs.running(store, store_settings)
    assert not raw_redis.hexists(f"{PREFIX}job:{job_id}", "uploads")
    assert store.execute(commands.finish(job_id, 1, JobState.SUCCEEDED))
    assert store.execute(commands.delete(job_id)) == "deleted"


def test_a_job_that_an_earlier_version_of_a_worker_ended_lets_go_when_it_is_removed(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    record = registered(store, store_settings, b"used").record
    job_id = submitted(store, store_settings, record)
    jobs.claim_again(store, job_id)
    store.execute(commands.finish(job_id, 1, JobState.SUCCEEDED))
    # what an earlier script, which leaves the field and the count alone, would have left behind
    raw_redis.hset(f"{PREFIX}job:{job_id}", "uploads", str(upload_key(record)))
    raw_redis.hset(f"{PREFIX}upload:{upload_key(record)}", "jobs", 1)

    store.execute(commands.delete(job_id))
    assert read(store, record).jobs == 0


def test_lists_go_from_new_to_old_and_see_each_upload_once_while_others_arrive(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    created = []
    for number in range(5):
        previous = created[-1].created_at if created else None
        record = registered(store, store_settings, b"%d" % number, DATASET).record
        while record.created_at == previous:  # of one millisecond: any order is right
            store.execute(upload_commands.delete_upload(upload_key(record)))
            record = registered(store, store_settings, b"%d" % number, DATASET).record
        created.append(record)
    registered(store, store_settings, b"a checkpoint", CHECKPOINT)

    seen: list[UploadRecord] = []
    cursor = None
    while True:
        page = store.execute(upload_commands.list_uploads(DATASET, 2, cursor))
        seen += page.records
        registered(store, store_settings, b"later %d" % len(seen), DATASET)
        if not page.has_more:
            break
        cursor = page.next_cursor
    assert seen == created[::-1]


def test_a_cursor_outlives_its_upload(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    for content in (b"one", b"two"):
        registered(store, store_settings, content)
    page = store.execute(upload_commands.list_uploads(CHECKPOINT, 1))
    (newest,) = page.records
    store.execute(upload_commands.delete_upload(upload_key(newest)))

    (other,) = store.execute(upload_commands.list_uploads(CHECKPOINT, 1, page.next_cursor)).records
    assert other.id != newest.id


@pytest.mark.parametrize(
    "cursor",
    ["", "x", "☃", "am9iXw", cursor_after(new_job_id()), "a" * 10_000],
    ids=["empty", "a letter", "a snowman", "a prefix", "of jobs", "long"],
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        upload_commands.list_uploads(CHECKPOINT, 1, cursor)


def test_files_that_no_record_names_are_found(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    named = registered(store, store_settings, b"named", DATASET).record
    unnamed = [(named.id, "uploads/an/older"), (upload_id(b"never"), "uploads/of/nobody")]
    found = store.execute(upload_commands.unnamed_files([(named.id, named.artifact), *unnamed]))
    assert found == [name for _, name in unnamed]


def test_every_key_of_uploads_has_a_known_purpose(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    registered(store, store_settings, b"weights")
    registered(store, store_settings, b"data", DATASET)
    assert {key.removeprefix(PREFIX).split(":")[0] for key in raw_redis.scan_iter()} == {
        "upload",
        "uploads",
        "uploads_expiring",
    }
