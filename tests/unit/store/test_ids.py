"""Job identifiers and cursors."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.store.errors import InvalidCursorError
from service.store.ids import cursor_after, is_job_id, job_id_of_cursor, new_job_id


def test_identifiers_are_well_formed_and_sort_in_the_order_they_were_made() -> None:
    made = [new_job_id() for _ in range(2000)]

    assert made == sorted(set(made))
    assert all(is_job_id(job_id) and len(job_id) == 30 for job_id in made)


def test_identifiers_are_unique_across_threads() -> None:
    with ThreadPoolExecutor(8) as pool:
        made = list(pool.map(lambda _: new_job_id(), range(4000)))

    assert len(set(made)) == 4000


def test_an_identifier_carries_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    # The ULID specification's example: 1469918176385 ms is 01ARYZ6S41.
    monkeypatch.setattr("service.store.ids._ulids._last", 0)
    monkeypatch.setattr("time.time_ns", lambda: 1469918176385 * 1_000_000)

    assert new_job_id().startswith("job_01ARYZ6S41")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "job_",
        "job_01ARYZ6S410000000000000000\n",
        "job_01aryz6s410000000000000000",
        "job_81ARYZ6S410000000000000000",
        "job_01ARYZ6S41000000000000000U",
        "../../01ARYZ6S4100000000000000",
        "job_٠1ARYZ6S410000000000000000",
    ],
)
def test_other_text_is_no_identifier(text: str) -> None:
    assert not is_job_id(text)


def test_a_cursor_leads_back_to_its_job() -> None:
    job_id = new_job_id()

    assert job_id_of_cursor(cursor_after(job_id)) == job_id
    assert job_id not in cursor_after(job_id)


@given(st.text())
def test_any_other_text_is_an_invalid_cursor_and_nothing_worse(text: str) -> None:
    with pytest.raises(InvalidCursorError):
        job_id_of_cursor(text)
