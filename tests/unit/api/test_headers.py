import pytest
from fastapi import Request

from service.jobs.headers import WaitQuery, idempotency_key, is_known, wait_seconds
from service.jobs.trace import wanted_suffix
from service.problems import InvalidRequestProblem


def request(*headers: tuple[str, str]) -> Request:
    raw = [(name.lower().encode(), value.encode()) for name, value in headers]
    return Request({"type": "http", "method": "GET", "path": "/", "query_string": b"", "headers": raw})


@pytest.mark.parametrize(
    ("prefer", "seconds"),
    [
        ("wait=10", 10),
        ("Wait = 5", 5),
        ('respond-async, wait="7"; foo', 7),
        ("handling=lenient, wait=0.5", 0.5),
        ("wait=100000", 30),
        ("wait=-1", None),
        ("await=3", None),
        ("wait=soon", None),
        ("respond-async", None),
    ],
)
def test_prefer_wait_is_understood_or_ignored(prefer: str, seconds: float | None) -> None:
    assert wait_seconds(request(("Prefer", prefer)), WaitQuery(), limit=30) == seconds


def test_prefer_may_come_in_several_headers() -> None:
    given = request(("Prefer", "respond-async"), ("Prefer", "wait=3"))
    assert wait_seconds(given, WaitQuery(), limit=30) == 3


def test_the_query_wins_over_the_header() -> None:
    assert wait_seconds(request(("Prefer", "wait=3")), WaitQuery(wait=2), limit=30) == 2


@pytest.mark.parametrize(
    ("given", "known"),
    [
        ('"3"', True),
        ('W/"3"', True),
        ('"1", "3"', True),
        ("*", True),
        ('"33"', False),
        ("3", False),
        ("", False),
    ],
)
def test_if_none_match_lists_what_is_known(given: str, known: bool) -> None:
    assert is_known(request(("If-None-Match", given)), '"3"') is known


def test_without_if_none_match_nothing_is_known() -> None:
    assert not is_known(request(), '"3"')


@pytest.mark.parametrize(
    ("given", "key"), [("abc", "abc"), ('"abc"', "abc"), ("a b", "a b"), ("x" * 255, "x" * 255)]
)
def test_an_idempotency_key_may_stand_in_quotes(given: str, key: str) -> None:
    assert idempotency_key(request(("Idempotency-Key", given))) == key


@pytest.mark.parametrize("given", ["", '""', " ", "x" * 256, "é"])
def test_a_bad_idempotency_key_is_refused_by_name(given: str) -> None:
    with pytest.raises(InvalidRequestProblem) as refused:
        idempotency_key(request(("Idempotency-Key", given)))
    assert refused.value.errors[0].parameter == "Idempotency-Key"


@pytest.mark.parametrize(
    ("accept", "suffix"),
    [
        (None, ".npz"),
        ("*/*", ".npz"),
        ("text/html,application/xhtml+xml,*/*;q=0.8", ".npz"),
        ("application/json", ".json.gz"),
        ("application/json, */*;q=0.5", ".json.gz"),
        ("application/json, text/plain, */*", ".json.gz"),
        ("application/json;q=0", ".npz"),
        ("application/x-npz, application/json;q=0.1", ".npz"),
        ("application/json;q=broken", ".npz"),
    ],
)
def test_a_trace_is_json_for_those_who_ask_for_it(accept: str | None, suffix: str) -> None:
    headers = [] if accept is None else [("Accept", accept)]
    assert wanted_suffix(request(*headers)) == suffix
