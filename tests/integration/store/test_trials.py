"""A job's trials: who makes them, whose results count, and how the job goes on."""

import json

import pytest
import redis

from service.contract.job import JobState, Progress
from service.store import commands, trial_commands
from service.store.jobs import BlockingJobStore
from service.store.records import MadeTrial
from service.store.settings import StoreSettings
from tests.support import jobs, trials
from tests.support.waiting import wait_until


@pytest.fixture
def settings(store_settings: StoreSettings) -> StoreSettings:
    """Nothing is resent on its own while a test looks; no pause counts as one."""
    return store_settings.model_copy(update={"resend_seconds": 3600.0, "lease_seconds": 3600.0})


def test_a_job_with_trials_runs_but_no_worker_has_it(
    store: BlockingJobStore, settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id, (first, second) = trials.branched(store, settings)

    assert jobs.record_of(store, job_id).status == JobState.RUNNING
    assert store.execute(commands.claim(job_id, "worker-b", jobs.LEASE_MS)) is None
    assert raw_redis.zscore("gradient-clinic:due", job_id) is None, "it has no lease"
    claim = trials.claimed(store, first)
    assert (claim.kind, claim.attempt, claim.request_json) == ("trial", 1, '{"order": "trial 0"}')
    assert store.execute(commands.claim(first, "worker-b", jobs.LEASE_MS)) is None
    assert trials.claimed(store, second).attempt == 1


def test_progress_shows_each_trial_and_the_steps_of_all(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id, (first, second, _) = trials.branched(store, settings, 3)
    trials.make(store, [first])
    trials.claimed(store, second)

    shown = Progress.model_validate_json(jobs.record_of(store, job_id).progress_json or "")

    assert (shown.phase, shown.step, shown.steps) == ("trying", trials.STEPS, 3 * trials.STEPS)
    assert [(trial.remedy, trial.status, trial.step) for trial in shown.trials] == [
        ("trial 0", "done", trials.STEPS),
        ("trial 1", "running", 0),
        ("trial 2", "queued", 0),
    ]
    summary = store.execute(commands.list_page(None, 10)).records
    assert [record.id for record in summary] == [job_id], "trials are no jobs"


def test_steps_of_many_trials_are_shown_twice_a_second_at_most(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id, running = trials.branched(store, settings)
    for trial in running:
        trials.claimed(store, trial)
    before = jobs.record_of(store, job_id)
    for step, trial in ((1, running[0]), (2, running[1])):
        progress = json.dumps({"step": step})
        assert store.execute(commands.renew(trial, 1, jobs.LEASE_MS, progress)) == "held"

    def look() -> bool:
        assert store.execute(commands.renew(running[0], 1, jobs.LEASE_MS)) == "held"
        return trials.progress_of(store, job_id)["step"] == 3

    wait_until(look, every=0.001)
    assert jobs.record_of(store, job_id).revision - before.revision in {1, 2}, "of some hundred renewals"


def test_the_last_trial_sends_the_job_on_with_all_results_in_order(
    store: BlockingJobStore, settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id, made = trials.branched(store, settings, 3)

    assert trials.make(store, [made[2], made[0], made[1]]) == ["kept", "kept", "gather"]

    assert raw_redis.zrange("gradient-clinic:due", 0, -1) == [job_id], (
        "nobody need look after trials any more"
    )
    claim = trials.claimed(store, job_id)
    assert (claim.kind, claim.draft_json) == ("gathering", trials.DRAFT_JSON)
    assert claim.request_json == jobs.REQUEST_JSON
    expected = [MadeTrial(f'{{"order": "trial {n}"}}', trials.result_of(made[n])) for n in range(3)]
    assert list(claim.trials) == expected
    record = jobs.record_of(store, job_id)
    assert (record.status, record.attempt, record.traced_by) == (JobState.RUNNING, 1, 1)
    assert store.execute(commands.finish(job_id, claim.attempt, JobState.SUCCEEDED))
    assert not list(raw_redis.scan_iter("*trial*")), "they end with their job"
    assert raw_redis.zcard("gradient-clinic:due") == 0


def test_a_job_goes_through_several_rounds(store: BlockingJobStore, settings: StoreSettings) -> None:
    job_id, control = trials.branched(store, settings, 1)
    trials.make(store, control)
    candidates = trials.branch_again(store, job_id, trials.claimed(store, job_id).attempt, 2)

    assert not set(control) & set(candidates)
    assert store.execute(trial_commands.finish_trial(control[0], 1, "{}")) == "stale"
    assert [trial["status"] for trial in trials.progress_of(store, job_id)["trials"]] == [
        "done", "queued", "queued",
    ]  # fmt: skip
    assert trials.make(store, candidates) == ["kept", "gather"]
    claim = trials.claimed(store, job_id)
    assert [trial.result_json for trial in claim.trials] == [trials.result_of(each) for each in candidates]
    assert jobs.record_of(store, job_id).attempt == 1


def test_the_diagnosis_so_far_is_shown_until_the_next_round_has_another(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id, control = trials.branched(store, settings, 1)
    shown = jobs.record_of(store, job_id)
    assert (shown.diagnosis_json, shown.verdict) == (trials.DIAGNOSIS_JSON, trials.VERDICT)
    trials.make(store, control)
    attempt = trials.claimed(store, job_id).attempt
    store.execute(trial_commands.branch(job_id, attempt, trials.new_round(diagnosis_json='{"round": 2}')))
    assert jobs.record_of(store, job_id).diagnosis_json == '{"round": 2}'


@pytest.mark.parametrize("state", [JobState.FAILED, JobState.CANCELLED])
def test_a_job_that_ends_before_its_trials_do_keeps_the_diagnosis_so_far(
    store: BlockingJobStore, settings: StoreSettings, state: JobState
) -> None:
    job_id, made = trials.branched(store, settings, 1)
    trials.make(store, made)
    attempt = trials.claimed(store, job_id).attempt
    assert store.execute(commands.finish(job_id, attempt, state, "{}" if state == JobState.FAILED else None))
    record = jobs.record_of(store, job_id)
    assert (record.status, record.diagnosis_json) == (state, trials.DIAGNOSIS_JSON)


def test_commands_whose_answers_were_lost_can_be_given_again(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id = jobs.running(store, settings)
    branch = trial_commands.branch(job_id, 1, trials.new_round())
    assert store.execute(branch) == store.execute(branch)
    (trial,) = store.execute(branch).trials
    claim = commands.claim(trial, "worker-a", jobs.LEASE_MS)
    assert store.execute(claim) == store.execute(claim)
    finish = trial_commands.finish_trial(trial, 1, "{}")
    assert store.execute(finish) == store.execute(finish) == "gather"
    gathering = commands.claim(job_id, "worker-a", jobs.LEASE_MS)
    assert store.execute(gathering) == store.execute(gathering)
    assert jobs.record_of(store, job_id).attempt == 1


def test_the_attempt_that_branched_a_job_has_no_say_in_it_any_more(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id, made = trials.branched(store, settings)

    def speak() -> list[object]:
        again = trial_commands.branch(job_id, 1, trials.new_round(draft_json="{}"))
        return [
            store.execute(commands.renew(job_id, 1, 1, "{}")),
            store.execute(commands.finish(job_id, 1, JobState.SUCCEEDED)),
            store.execute(commands.release(job_id, 1, "late")),
            store.execute(again).outcome,
        ]

    refused = ["lost", False, "stale", "stale"]
    assert speak() == refused
    trials.make(store, made)
    assert speak() == refused
    trials.claimed(store, job_id)
    assert speak() == refused


def test_a_lost_trial_is_made_again_and_its_first_maker_is_refused(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id, (trial,) = trials.branched(store, settings, 1)
    trials.claimed(store, trial, lease_ms=20)
    store.execute(commands.renew(trial, 1, 20, '{"step": 3}'))

    assert wait_until(lambda: store.execute(commands.reap(settings))) == [trial]

    assert trials.progress_of(store, job_id)["trials"][0]["step"] == 0, "it starts anew"
    assert trials.claimed(store, trial).attempt == 2
    assert store.execute(commands.renew(trial, 1, jobs.LEASE_MS)) == "lost"
    assert store.execute(trial_commands.finish_trial(trial, 1, '"late"')) == "stale"
    assert store.execute(commands.release(trial, 1, "late")) == "stale"
    assert store.execute(trial_commands.finish_trial(trial, 2, '"counts"')) == "gather"
    assert trials.claimed(store, job_id).trials[0].result_json == '"counts"'


def test_a_trial_without_an_attempt_left_has_failed_and_the_job_goes_on(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    twice = settings.model_copy(update={"max_attempts": 2})
    job_id, (trial, other) = trials.branched(store, twice)
    trials.make(store, [other])
    for attempt, outcome in ((1, "requeued"), (2, "failed")):
        assert trials.claimed(store, trial).attempt == attempt
        assert store.execute(commands.release(trial, attempt, 'it said "ouch"')) == outcome

    assert store.execute(commands.reap(twice)) == [job_id], "the reaper sends the job's message at once"
    result = json.loads(trials.claimed(store, job_id).trials[0].result_json)
    assert result["kind"] == "failed"
    assert result["reason"] == 'Given up after 2 attempts that lost their worker. The last: it said "ouch"'


def test_a_gathering_that_lost_its_worker_is_done_again_with_the_same_results(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    job_id, made = trials.branched(store, settings)
    trials.make(store, made)
    first = trials.claimed(store, job_id, lease_ms=1)
    progress = trials.progress_of(store, job_id)

    assert wait_until(lambda: store.execute(commands.reap(settings))) == [job_id]

    assert trials.progress_of(store, job_id) == progress
    again = trials.claimed(store, job_id)
    assert (again.draft_json, again.trials) == (first.draft_json, first.trials)
    assert again.attempt > first.attempt
    assert not store.execute(commands.finish(job_id, first.attempt, JobState.SUCCEEDED))
    assert jobs.record_of(store, job_id).attempt == 2


def test_messages_of_trials_and_of_what_comes_after_them_are_sent_again_if_they_were_lost(
    store: BlockingJobStore, settings: StoreSettings
) -> None:
    soon = settings.model_copy(update={"resend_seconds": 0.02})
    job_id, made = trials.branched(store, soon)
    resent: set[str] = set()

    def look() -> bool:
        resent.update(store.execute(commands.reap(soon)))
        return resent == set(made)

    wait_until(look)
    trials.make(store, made)
    assert wait_until(lambda: store.execute(commands.reap(soon))) == [job_id]


def test_who_makes_a_trial_may_renew_first_after_a_pause_of_everybody(
    store: BlockingJobStore, settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    _, (trial,) = trials.branched(store, settings, 1)
    trials.claimed(store, trial, lease_ms=1)
    raw_redis.hset("gradient-clinic:reaper", "looked_at", 1)

    assert store.execute(commands.reap(settings)) == []
    assert store.execute(commands.renew(trial, 1, jobs.LEASE_MS)) == "held"


def test_a_job_that_an_earlier_version_accepted_can_have_trials(
    store: BlockingJobStore, settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id = jobs.running(store, settings)
    raw_redis.hdel(f"gradient-clinic:job:{job_id}", "resend_ms")

    assert trials.make(store, trials.branch_again(store, job_id, 1)) == ["kept", "gather"]
    assert trials.claimed(store, job_id).kind == "gathering"


def test_trials_do_not_count_as_jobs_that_wait(store: BlockingJobStore, settings: StoreSettings) -> None:
    trials.branched(store, settings, 5)
    full = settings.model_copy(update={"max_queued": 1})
    assert store.execute(commands.submit(jobs.new_job(), full)).outcome == "created"


def test_a_round_has_at_least_one_trial() -> None:
    with pytest.raises(ValueError, match="at least one"):
        trial_commands.branch("job", 1, trials.new_round(0))
