"""Every transition from every state: what it answers and where the job stands afterwards."""

from collections.abc import Callable

import pytest
import redis

from service.contract.job import JobState
from service.store import commands
from service.store.command import Command
from service.store.jobs import BlockingJobStore
from service.store.records import Claim, JobRecord
from service.store.settings import StoreSettings
from tests.support import jobs

QUEUED, RUNNING, CANCELLING = JobState.QUEUED, JobState.RUNNING, JobState.CANCELLING
SUCCEEDED, FAILED, CANCELLED = JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED
STATES = (QUEUED, RUNNING, CANCELLING, SUCCEEDED, FAILED, CANCELLED, None)

FIRST_CLAIM = Claim(attempt=1, request_json=jobs.REQUEST_JSON)

Transition = Callable[[str], Command[object]]
TRANSITIONS: dict[str, Transition] = {
    "claim": lambda job_id: commands.claim(job_id, "worker-b", jobs.LEASE_MS),
    "renew": lambda job_id: commands.renew(job_id, 1, jobs.LEASE_MS),
    "finish": lambda job_id: commands.finish(job_id, 1, SUCCEEDED),
    "release": lambda job_id: commands.release(job_id, 1, "its child died"),
    "cancel": commands.cancel,
    "delete": commands.delete,
}

# transition -> for each of STATES: (answer, state afterwards); None where the job is not there.
EXPECTED: dict[str, tuple[tuple[object, JobState | None], ...]] = {
    "claim": (
        (FIRST_CLAIM, RUNNING),
        (None, RUNNING),
        (None, CANCELLING),
        (None, SUCCEEDED),
        (None, FAILED),
        (None, CANCELLED),
        (None, None),
    ),
    "renew": (
        ("lost", QUEUED),
        ("held", RUNNING),
        ("cancel", CANCELLING),
        ("lost", SUCCEEDED),
        ("lost", FAILED),
        ("lost", CANCELLED),
        ("lost", None),
    ),
    "finish": (
        (False, QUEUED),
        (True, SUCCEEDED),
        (True, CANCELLED),
        (False, SUCCEEDED),
        (False, FAILED),
        (False, CANCELLED),
        (False, None),
    ),
    "release": (
        ("stale", QUEUED),
        ("requeued", QUEUED),
        ("cancelled", CANCELLED),
        ("stale", SUCCEEDED),
        ("stale", FAILED),
        ("stale", CANCELLED),
        ("stale", None),
    ),
    "cancel": (
        ("cancelled", CANCELLED),
        ("cancelling", CANCELLING),
        ("cancelling", CANCELLING),
        ("finished", SUCCEEDED),
        ("finished", FAILED),
        ("already_final_cancelled", CANCELLED),
        ("unknown", None),
    ),
    "delete": (
        ("not_final", QUEUED),
        ("not_final", RUNNING),
        ("not_final", CANCELLING),
        ("deleted", None),
        ("deleted", None),
        ("deleted", None),
        ("unknown", None),
    ),
}
CASES = [
    pytest.param(name, state, *expected, id=f"{name} of {state or 'an unknown job'}")
    for name, row in EXPECTED.items()
    for state, expected in zip(STATES, row, strict=True)
]


@pytest.mark.parametrize(("name", "before", "answer", "after"), CASES)
def test_each_transition_from_each_state(
    store: BlockingJobStore,
    store_settings: StoreSettings,
    raw_redis: redis.Redis,
    name: str,
    before: JobState | None,
    answer: object,
    after: JobState | None,
) -> None:
    job_id = jobs.in_state(store, store_settings, before)
    revision = _revision(store, job_id)

    got = store.execute(TRANSITIONS[name](job_id))

    assert got == answer
    assert _state(store, job_id) == after
    assert _indexes_of(raw_redis, job_id) == _expected_indexes(after)
    if before == after:
        assert _revision(store, job_id) == revision, "a refused transition must not look like a change"
    elif after is not None:
        assert _revision(store, job_id) > revision


def _state(store: BlockingJobStore, job_id: str) -> JobState | None:
    found = store.execute(commands.read(job_id))
    return found.status if isinstance(found, JobRecord) else None


def _revision(store: BlockingJobStore, job_id: str) -> int:
    found = store.execute(commands.read(job_id))
    return found.revision if isinstance(found, JobRecord) else 0


def _indexes_of(raw_redis: redis.Redis, job_id: str) -> set[str]:
    """The sorted sets that hold the job, whatever they are called."""
    found = set()
    for key in raw_redis.scan_iter("gradient-clinic:*", _type="zset"):
        if raw_redis.zscore(key, job_id) is not None:
            found.add(key.removeprefix("gradient-clinic:"))
    return found


def _expected_indexes(state: JobState | None) -> set[str]:
    if state is None:
        return set()
    return {"jobs", f"jobs:{state.value}", "expiring" if state.final else "due"}
