"""Stopping a job that has trials made: those that wait are gone at once, those that run are told."""

import pytest
import redis

from service.contract.job import JobState
from service.store import commands, trial_commands
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.support import jobs, trials
from tests.support.waiting import wait_until


def state(store: BlockingJobStore, job_id: str) -> JobState:
    return jobs.record_of(store, job_id).status


def kept_trials(raw_redis: redis.Redis) -> int:
    return len(list(raw_redis.scan_iter("gradient-clinic:trial:*")))


def test_with_no_trial_running_the_job_is_cancelled_at_once(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id, (first, second) = trials.branched(store, store_settings)
    trials.make(store, [first])

    assert store.execute(commands.cancel(job_id)) == "cancelled"

    assert state(store, job_id) == JobState.CANCELLED
    assert store.execute(commands.claim(second, "worker-b", jobs.LEASE_MS)) is None
    assert kept_trials(raw_redis) == 0


def test_a_cancelled_job_shows_no_trial_that_waits(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id, (first, _waiting) = trials.branched(store, store_settings, 2)
    trials.claimed(store, first)
    store.execute(trial_commands.finish_trial(first, 1, "{}"))
    assert store.execute(commands.cancel(job_id)) == "cancelled"
    shown = trials.progress_of(store, job_id)["trials"]
    assert [(trial["remedy"], trial["status"]) for trial in shown] == [("trial 0", "done")]


def test_a_job_that_waits_to_go_on_is_cancelled_at_once(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id, made = trials.branched(store, store_settings)
    trials.make(store, made)

    assert store.execute(commands.cancel(job_id)) == "cancelled"
    assert store.execute(commands.claim(job_id, "worker-b", jobs.LEASE_MS)) is None
    assert kept_trials(raw_redis) == 0


ENDS = {
    "finished": lambda trial: trial_commands.finish_trial(trial, 1, "{}"),
    "released": lambda trial: commands.release(trial, 1, "stopped"),
}


@pytest.mark.parametrize("end", ENDS)
def test_running_trials_are_told_and_the_last_to_stop_ends_the_job(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis, end: str
) -> None:
    job_id, (first, second, waiting) = trials.branched(store, store_settings, 3)
    for trial in (first, second):
        trials.claimed(store, trial)

    assert store.execute(commands.cancel(job_id)) == "cancelling"
    assert store.execute(commands.cancel(job_id)) == "cancelling"

    assert store.execute(commands.claim(waiting, "worker-b", jobs.LEASE_MS)) is None
    shown = trials.progress_of(store, job_id)["trials"]
    assert [trial["remedy"] for trial in shown] == ["trial 0", "trial 1"]
    assert store.execute(commands.renew(first, 1, jobs.LEASE_MS, '{"step": 2}')) == "cancel"
    store.execute(ENDS[end](first))
    assert state(store, job_id) == JobState.CANCELLING
    assert store.execute(ENDS[end](second)) == "cancelled"
    assert state(store, job_id) == JobState.CANCELLED
    assert trials.progress_of(store, job_id)["trials"] == []
    assert kept_trials(raw_redis) == 0
    assert raw_redis.zcard("gradient-clinic:due") == 0


def test_running_trials_whose_workers_died_end_the_job_too(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id, made = trials.branched(store, store_settings)
    for trial in made:
        trials.claimed(store, trial, lease_ms=1)
    store.execute(commands.cancel(job_id))

    wait_until(lambda: store.execute(commands.reap(store_settings)) or state(store, job_id).final)

    assert state(store, job_id) == JobState.CANCELLED


def test_a_job_cancelled_before_its_trials_were_ordered_has_none(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id = jobs.cancelling(store, store_settings)

    branching = store.execute(trial_commands.branch(job_id, 1, trials.new_round(2)))

    assert (branching.outcome, branching.trials) == ("cancelled", ())
    assert state(store, job_id) == JobState.CANCELLED
    assert kept_trials(raw_redis) == 0


def test_a_job_can_be_cancelled_while_its_results_are_gathered(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    job_id, made = trials.branched(store, store_settings)
    trials.make(store, made)
    attempt = trials.claimed(store, job_id).attempt

    assert store.execute(commands.cancel(job_id)) == "cancelling"
    assert store.execute(commands.renew(job_id, attempt, jobs.LEASE_MS)) == "cancel"
    again = trial_commands.branch(job_id, attempt, trials.new_round(2))
    assert store.execute(again).outcome == "cancelled"


@pytest.mark.parametrize("how", ["deleted", "expired"])
def test_nothing_of_a_removed_job_with_trials_stays(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis, how: str
) -> None:
    retention = 0.001 if how == "expired" else 60.0
    brief = store_settings.model_copy(update={"retention_seconds": retention})
    job_id, control = trials.branched(store, brief, 1)
    trials.make(store, control)
    made = trials.branch_again(store, job_id, trials.claimed(store, job_id).attempt, 3)
    trials.make(store, made)
    store.execute(commands.finish(job_id, trials.claimed(store, job_id).attempt, JobState.SUCCEEDED))

    if how == "deleted":
        store.execute(commands.delete(job_id))
    else:
        wait_until(lambda: store.execute(commands.expire()))

    assert set(raw_redis.scan_iter()) == {f"gradient-clinic:tombstone:{job_id}"}
