"""Jobs with trials in a given state, for tests of the store."""

import json
from collections.abc import Sequence
from typing import Any

from service.store import commands, trial_commands
from service.store.jobs import BlockingJobStore
from service.store.records import Claim, NewRound, NewTrial
from service.store.settings import StoreSettings
from tests.support import jobs

DRAFT_JSON = '{"draft": "ü"}'
DIAGNOSIS_JSON = '{"diagnosis": "so far"}'
VERDICT = "unhealthy"
STEPS = 10


def new_trials(count: int, what: str = "trial") -> list[NewTrial]:
    """Orders that the store does not look into."""
    return [NewTrial(f'{{"order": "{what} {n}"}}', f"{what} {n}", STEPS) for n in range(count)]


def new_round(count: int = 1, draft_json: str = DRAFT_JSON, diagnosis_json: str = DIAGNOSIS_JSON) -> NewRound:
    """So many trials."""
    return NewRound(new_trials(count), draft_json, diagnosis_json, VERDICT)


def result_of(trial: str) -> str:
    """What it measured."""
    return json.dumps({"result": trial})


def branch_again(store: BlockingJobStore, job_id: str, attempt: int, count: int = 2) -> tuple[str, ...]:
    """Give a held job trials, which must be possible."""
    branching = store.execute(trial_commands.branch(job_id, attempt, new_round(count)))
    assert branching.outcome == "branched"
    return branching.trials


def branched(store: BlockingJobStore, settings: StoreSettings, count: int = 2) -> tuple[str, tuple[str, ...]]:
    """A job whose first attempt ended with so many trials, and these."""
    job_id = jobs.running(store, settings)
    return job_id, branch_again(store, job_id, 1, count)


def make(store: BlockingJobStore, trials: Sequence[str]) -> list[str]:
    """Make trials, one after the other; what finishing each was answered."""
    answers = []
    for trial in trials:
        attempt = jobs.claim_again(store, trial)
        answers.append(store.execute(trial_commands.finish_trial(trial, attempt, result_of(trial))))
    return answers


def claimed(store: BlockingJobStore, unit: str, lease_ms: int = jobs.LEASE_MS) -> Claim:
    """A unit that must be free."""
    claim = store.execute(commands.claim(unit, "worker-a", lease_ms))
    assert claim is not None
    return claim


def progress_of(store: BlockingJobStore, job_id: str) -> dict[str, Any]:
    """What the job shows of itself."""
    progress: dict[str, Any] = json.loads(jobs.record_of(store, job_id).progress_json or "")
    return progress
