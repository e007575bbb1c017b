"""Pages of jobs: newest first, stable while jobs arrive, and light."""

import pytest

from service.contract.job import JobState
from service.store import commands
from service.store.errors import InvalidCursorError
from service.store.jobs import BlockingJobStore
from service.store.records import JobRecord, Page
from service.store.settings import StoreSettings
from tests.support import jobs


def list_page(
    store: BlockingJobStore, limit: int, after: str | None = None, status: JobState | None = None
) -> Page:
    return store.execute(commands.list_page(status, limit, after))


def test_jobs_are_listed_newest_first(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    created = [jobs.queued(store, store_settings) for _ in range(3)]

    page = list_page(store, 10)

    assert [record.id for record in page.records] == created[::-1]
    assert (page.has_more, page.next_cursor) == (False, None)


def test_an_empty_store_has_an_empty_page(store: BlockingJobStore) -> None:
    assert list_page(store, 10) == Page((), has_more=False, next_cursor=None)


def test_a_page_that_is_just_full_has_no_successor(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    for _ in range(2):
        jobs.queued(store, store_settings)

    assert not list_page(store, 2).has_more
    assert list_page(store, 1).has_more


def test_paging_sees_each_job_once_while_new_ones_arrive(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    created = [jobs.queued(store, store_settings) for _ in range(7)]
    seen: list[str] = []
    cursor = None
    while True:
        page = list_page(store, 3, cursor)
        seen += [record.id for record in page.records]
        jobs.queued(store, store_settings)
        if not page.has_more:
            break
        cursor = page.next_cursor

    assert seen == created[::-1]


def test_a_cursor_outlives_its_job(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    older, newer = (jobs.finished(store, store_settings) for _ in range(2))
    cursor = list_page(store, 1).next_cursor
    store.execute(commands.delete(newer))

    assert [record.id for record in list_page(store, 1, cursor).records] == [older]


def test_lists_can_be_of_one_status(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    by_status = {state: jobs.in_state(store, store_settings, state) for state in JobState}

    for status, job_id in by_status.items():
        records = list_page(store, 10, status=status).records
        assert [(record.id, record.status) for record in records] == [(job_id, status)]


def test_listed_jobs_carry_what_the_job_shows_but_no_large_field(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id = jobs.running(store, store_settings)
    store.execute(commands.renew(job_id, 1, jobs.LEASE_MS, '{"step": 1}'))
    store.execute(commands.finish(job_id, 1, JobState.SUCCEEDED, None, '{"large": 1}', "healthy"))

    (listed,) = list_page(store, 1).records

    assert not isinstance(listed, JobRecord)
    whole = vars(jobs.record_of(store, job_id))
    assert vars(listed) == {name: whole[name] for name in vars(listed)}


@pytest.mark.parametrize(
    "cursor", ["", "x", "☃", "am9iXw", "Z3JhZGllbnQtY2xpbmljOmpvYg", "(job_", "a" * 10_000]
)
def test_a_foreign_cursor_is_refused(cursor: str) -> None:
    with pytest.raises(InvalidCursorError):
        commands.list_page(None, 1, cursor)


def test_a_page_has_at_least_one_job() -> None:
    with pytest.raises(ValueError, match="at least one"):
        commands.list_page(None, 0)
