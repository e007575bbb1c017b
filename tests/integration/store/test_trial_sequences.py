"""Random sequences of everything that can happen to jobs and their trials, against a model.

What must never happen: a job waits for a trial that nobody will make, a result is lost or counts twice, or
something of a job stays after it.
"""

import json

import pytest
import redis
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, rule

from service.contract.job import JobState, Progress
from service.store import commands, trial_commands
from service.store.embedded_redis import EmbeddedRedis
from service.store.ids import new_job_id
from service.store.jobs import BlockingJobStore
from service.store.records import JobRecord, NewJob
from service.store.settings import StoreSettings
from tests.integration.store.trial_model import ATTEMPTS, ModelJob
from tests.support.trials import branch_again, claimed, new_round
from tests.support.waiting import wait_until

SHORT_MS, LONG_MS = 1, 3_600_000
LEASES = st.sampled_from((SHORT_MS, LONG_MS, LONG_MS))
PLACES = st.integers(0, 5)
STALE = st.sampled_from((False, False, False, True))


class TrialSequences(RuleBasedStateMachine):
    """The store beside the model."""

    server: EmbeddedRedis
    submitted = Bundle("submitted")

    def __init__(self) -> None:
        super().__init__()
        self.raw = redis.Redis.from_url(self.server.url, decode_responses=True)
        self.raw.flushall()
        self.store = BlockingJobStore(self.server.url)
        self.policy = StoreSettings(
            redis_url=self.server.url, max_attempts=ATTEMPTS, lease_seconds=3600.0, resend_seconds=3600.0
        )
        self.jobs: dict[str, ModelJob] = {}
        self.results = 0

    @rule(target=submitted)
    def submit(self) -> str:
        job = NewJob(new_job_id(), "{}", "{}", "tester")
        assert self.store.execute(commands.submit(job, self.policy)).outcome == "created"
        self.jobs[job.id] = ModelJob()
        return job.id

    @rule(target=submitted, count=st.integers(1, 3))
    def submit_one_that_soon_has_trials(self, count: int) -> str:
        job = self.submit()
        self.claim_job(job, LONG_MS)
        self.branch(job, count, stale=False)
        return job

    @rule(job=submitted, place=PLACES)
    def make_a_trial(self, job: str, place: int) -> None:
        self.claim_trial(job, place, LONG_MS)
        self.finish_trial(job, place, stale=False)

    @rule(job=submitted, lease_ms=LEASES)
    def claim_job(self, job: str, lease_ms: int) -> None:
        command, model = commands.claim(job, "worker", lease_ms), self.jobs.get(job)
        claim = self.store.execute(command)
        if model is None or not model.free:
            assert claim is None
            return
        model.claim()
        model.short = lease_ms == SHORT_MS
        assert claim is not None
        assert self.store.execute(command) == claim, "its answer was lost"
        assert claim.attempt == model.attempt
        assert claim.kind == ("gathering" if model.drafted else "job")
        expected = [model.trials[trial].result for trial in model.round]
        assert [json.loads(trial.result_json).get("result", "given up") for trial in claim.trials] == expected

    @rule(job=submitted, count=st.integers(1, 3), stale=STALE)
    def branch(self, job: str, count: int, stale: bool) -> None:
        model = self.jobs.get(job, ModelJob())
        command = trial_commands.branch(job, model.attempt - stale, new_round(count))
        branching = self.store.execute(command)
        if stale or not model.held:
            assert branching.outcome == "stale"
        elif model.state is JobState.CANCELLING:
            assert branching.outcome == "cancelled"
            model.end(JobState.CANCELLED)
        else:
            assert branching.outcome == "branched"
            assert self.store.execute(command) == branching, "its answer was lost"
            assert not set(branching.trials) & set(model.trials), "no two rounds share a trial"
            assert len(branching.trials) == count
            model.branch(branching.trials)

    @rule(job=submitted, stale=STALE, state=st.sampled_from([s for s in JobState if s.final]))
    def finish_job(self, job: str, stale: bool, state: JobState) -> None:
        model = self.jobs.get(job, ModelJob())
        accepted = self.store.execute(commands.finish(job, model.attempt - stale, state))
        assert accepted == (model.held and not stale)
        if accepted:
            model.end(state)

    @rule(job=submitted, counted=st.booleans())
    def release_job(self, job: str, counted: bool) -> None:
        model = self.jobs.get(job, ModelJob())
        answer = self.store.execute(commands.release(job, model.attempt, "lost", counted=counted))
        assert (answer != "stale") == model.held
        if model.held:
            model.lose(counted)

    @rule(job=submitted, place=PLACES, lease_ms=LEASES)
    def claim_trial(self, job: str, place: int, lease_ms: int) -> None:
        trial = self._trial(job, place)
        claim = self.store.execute(commands.claim(trial, "worker", lease_ms))
        model = self.jobs.get(job, ModelJob()).trials.get(trial)
        assert (claim is not None) == (model is not None and model.state == "queued")
        if claim is not None and model is not None:
            model.state, model.attempt, model.unsent = "running", model.attempt + 1, False
            model.short = lease_ms == SHORT_MS
            assert (claim.attempt, claim.kind) == (model.attempt, "trial")

    @rule(job=submitted, place=PLACES, stale=STALE, step=st.none() | st.integers(0, 9))
    def renew_trial(self, job: str, place: int, stale: bool, step: int | None) -> None:
        trial, job_model = self._trial(job, place), self.jobs.get(job, ModelJob())
        model = job_model.trials.get(trial)
        attempt = (model.attempt if model else 1) - stale
        progress = None if step is None else json.dumps({"step": step})
        answer = self.store.execute(commands.renew(trial, attempt, LONG_MS, progress))
        if model is None or stale or model.state != "running":
            assert answer == "lost"
        else:
            model.short = False
            assert answer == ("cancel" if job_model.state is JobState.CANCELLING else "held")

    @rule(job=submitted, place=PLACES, stale=STALE)
    def finish_trial(self, job: str, place: int, stale: bool) -> None:
        trial, job_model = self._trial(job, place), self.jobs.get(job, ModelJob())
        model = job_model.trials.get(trial)
        self.results += 1
        result = f"result {self.results}"
        attempt = (model.attempt if model else 1) - stale
        command = trial_commands.finish_trial(trial, attempt, json.dumps({"result": result}))
        answer = self.store.execute(command)
        if model is None or stale or model.state != "running":
            assert answer == "stale"
        else:
            assert answer == job_model.end_trial(trial, result, unsent=False)

    @rule(job=submitted, place=PLACES, counted=st.booleans())
    def release_trial(self, job: str, place: int, counted: bool) -> None:
        trial, job_model = self._trial(job, place), self.jobs.get(job, ModelJob())
        model = job_model.trials.get(trial)
        attempt = model.attempt if model else 1
        answer = self.store.execute(commands.release(trial, attempt, "lost", counted=counted))
        if model is None or model.state != "running":
            assert answer == "stale"
        else:
            assert answer == job_model.lose_trial(trial, counted)

    @rule(job=submitted)
    def cancel(self, job: str) -> None:
        answer = self.store.execute(commands.cancel(job))
        if (model := self.jobs.get(job)) is None:
            assert answer == "unknown"
            return
        was_final = model.state.final
        model.cancel()
        if not was_final:
            assert answer == model.state.value

    @rule(job=submitted)
    def delete(self, job: str) -> None:
        deleted = self.store.execute(commands.delete(job)) == "deleted"
        assert deleted == (job in self.jobs and self.jobs[job].state.final)
        if deleted:
            del self.jobs[job]

    @rule()
    def reap(self) -> None:
        """Once all leases of a millisecond have run out."""
        began = self._redis_ms()
        wait_until(lambda: self._redis_ms() > began + SHORT_MS, every=0.0005)
        expected = {unit for unit, free in self._units() if free}
        for job, model in self.jobs.items():
            if model.held and model.short:
                model.lose(counted=True)
                expected |= {job} if model.free else set()
            for trial in [name for name in model.running if model.trials[name].short]:
                if model.lose_trial(trial, counted=True) == "requeued":
                    expected.add(trial)
        sent = self.store.execute(commands.reap(self.policy))
        assert sorted(sent) == sorted(expected)
        for unit in sent:
            job = self.jobs[trial_commands.job_of(unit)]
            (job.trials[unit] if trial_commands.is_trial(unit) else job).unsent = False

    def _trial(self, job: str, place: int) -> str:
        """One of those that the job ever had, if it had any."""
        numbered = [int(name.rpartition(":")[2]) for name in self.jobs.get(job, ModelJob()).trials]
        return f"{job}:{place % (max(numbered, default=place) + 1)}"

    def _units(self) -> list[tuple[str, bool]]:
        """Every job and trial, and whether the reaper is to send its message at once."""
        jobs = [(name, job.unsent and job.free) for name, job in self.jobs.items()]
        trials = [pair for job in self.jobs.values() for pair in job.trials.items()]
        return jobs + [(name, trial.unsent and trial.state == "queued") for name, trial in trials]

    def _redis_ms(self) -> int:
        seconds, microseconds = self.raw.time()
        return seconds * 1000 + microseconds // 1000

    @invariant()
    def the_store_agrees_with_the_model(self) -> None:
        for job, model in self.jobs.items():
            record = self.store.execute(commands.read(job))
            assert isinstance(record, JobRecord)
            assert record.status is model.state
            assert record.attempt == model.attempt - model.gatherings
            shown = Progress.model_validate_json(record.progress_json).trials if record.progress_json else []
            if model.awaits:
                assert [trial.status for trial in shown] == [each.state for each in model.trials.values()]

    @invariant()
    def no_more_is_kept_than_the_model_says_and_all_that_can_go_on_is_looked_after(self) -> None:
        kept = {key.removeprefix("gradient-clinic:trial:") for key in self.raw.scan_iter("*:trial:*")}
        assert kept == {trial for job in self.jobs.values() for trial in job.trials}
        looked_after = {job for job, model in self.jobs.items() if model.held or model.free}
        for model in self.jobs.values():
            looked_after |= {name for name, trial in model.trials.items() if trial.state != "done"}
        assert set(self.raw.zrange("gradient-clinic:due", 0, -1)) == looked_after

    def teardown(self) -> None:
        """Whatever happened, workers bring every job to its end; and then nothing of it is left."""
        for job, model in self.jobs.items():
            self._bring_to_its_end(job, model)
            assert self.store.execute(commands.delete(job)) == "deleted"
        left = {key for key in self.raw.scan_iter() if ":tombstone:" not in key}
        assert left <= {"gradient-clinic:reaper"}
        self.store.close()
        self.raw.close()

    def _bring_to_its_end(self, job: str, model: ModelJob) -> None:
        for trial, made in model.trials.items():
            if made.state == "queued":
                made.attempt = claimed(self.store, trial).attempt
            if made.state != "done":
                self.store.execute(trial_commands.finish_trial(trial, made.attempt, "{}"))
        claim = self.store.execute(commands.claim(job, "worker", LONG_MS))
        attempt = claim.attempt if claim else model.attempt
        if claim is not None:  # once more through trials
            branch_again(self.store, job, attempt, 1)
            self.store.execute(commands.cancel(job))
        self.store.execute(commands.finish(job, attempt, JobState.SUCCEEDED))


@pytest.mark.parametrize("examples", [30, pytest.param(300, marks=pytest.mark.slow)])
def test_no_sequence_strands_a_job_or_loses_or_doubles_a_result(
    redis_server: EmbeddedRedis, examples: int
) -> None:
    case = type("Machine", (TrialSequences,), {"server": redis_server}).TestCase
    case.settings = settings(
        max_examples=examples,
        stateful_step_count=60,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()
