"""How the end of a unit of work is told to the store, and for which units messages must be sent then."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from service.contract.diagnosis import Diagnosis
from service.contract.errors import JobError
from service.contract.job import JobRequest, JobState
from service.store import commands, trial_commands
from service.store.artifacts import NETWORK_FILES, ArtifactStore, network_name, trace_name
from service.store.command import Command
from service.store.records import Claim, NewRound, UnitKind
from workers.isolation.messages import Outcome
from workers.isolation.watch import Stop, internal_failure
from workers.lease import Lease
from workers.patience import PatientStore
from workers.remedies.messages import Round, TrialDone, TrialFailed
from workers.scratch import open_result
from workers.units import UnacceptableRoundError, trials_of

TRACE_SUFFIXES = (".npz", ".json.gz")
Messages = tuple[str, ...]
"""Units whose message is to be sent."""


@dataclass(frozen=True)
class Attempt:
    """One try at a unit of work by this worker."""

    unit: str
    claim: Claim
    scratch: Path
    lease: Lease
    log: "logging.LoggerAdapter[logging.Logger]"

    @property
    def number(self) -> int:
        """What every command must show."""
        return self.claim.attempt


class Closing(Protocol):
    """The ways in which an attempt ends that was not given up."""

    def succeed(self, outcome: Outcome) -> Messages: ...

    def fail(self, error: JobError, log: str = "") -> Messages: ...

    def cancel(self) -> Messages: ...


class JobClosing:
    """Of a job, from its beginning or going on with its trials' results."""

    def __init__(self, attempt: Attempt, store: PatientStore, artifacts: ArtifactStore) -> None:
        self._attempt, self._store, self._artifacts = attempt, store, artifacts

    def succeed(self, outcome: Outcome) -> Messages:
        """With the diagnosis, or with trials that come first."""
        if isinstance(outcome, Diagnosis):
            return self._finish_with(outcome)
        if isinstance(outcome, Round):
            return self._branch(outcome)
        return self._fail_unexpectedly(f"a job came to a {type(outcome).__name__}")

    def fail(self, error: JobError, log: str = "") -> Messages:
        self._attempt.log.warning("job failed: %s: %s", error.code, error.detail)
        if log:
            self._attempt.log.error("%s", log)
        return self._finish(JobState.FAILED, error_json=error.model_dump_json())

    def cancel(self) -> Messages:
        return self._finish(JobState.CANCELLED)

    def _finish_with(self, diagnosis: Diagnosis) -> Messages:
        if not self._keep_trace():
            return ()
        diagnosis_json = diagnosis.model_dump_json()
        return self._finish(JobState.SUCCEEDED, diagnosis_json=diagnosis_json, verdict=diagnosis.verdict)

    def _branch(self, round_: Round) -> Messages:
        """The trace is kept now: who goes on with the job will not have it."""
        request = JobRequest.model_validate_json(self._attempt.claim.request_json)
        try:
            trials = trials_of(round_, request)
        except UnacceptableRoundError as error:
            return self._fail_unexpectedly(f"the job's process ordered what it may not: {error}")
        if not self._keep_trace():
            return ()
        attempt, shown = self._attempt, round_.so_far
        told = NewRound(trials, round_.draft.model_dump_json(), shown.model_dump_json(), shown.verdict)
        branching = self._store.execute(trial_commands.branch(attempt.unit, attempt.number, told))
        attempt.log.info("job with %d trials: %s", len(trials), branching.outcome)
        return branching.trials

    def _keep_trace(self) -> bool:
        """Store the trace: a job that says it has one has it. False if another attempt has taken over."""
        attempt = self._attempt
        if self._store.patiently(attempt.lease.renew) is Stop.LOST:
            attempt.log.warning("job lost: its result is dropped")
            return False
        for suffix in TRACE_SUFFIXES:
            if (result := open_result(attempt.scratch / f"trace{suffix}")) is not None:
                with result:
                    self._artifacts.put(trace_name(attempt.unit, attempt.number, suffix), result)
        return True

    def _fail_unexpectedly(self, why: str) -> Messages:
        failure = internal_failure(why)
        return self.fail(failure.error, failure.log)

    def _finish(
        self,
        state: JobState,
        error_json: str | None = None,
        diagnosis_json: str | None = None,
        verdict: str | None = None,
    ) -> Messages:
        attempt = self._attempt
        command: Command[bool] = commands.finish(
            attempt.unit, attempt.number, state, error_json, diagnosis_json, verdict
        )
        if self._store.execute(command):
            attempt.log.info("job finished")
        else:
            attempt.log.warning("job lost: its result was refused")
        return ()


class TrialClosing:
    """Of a trial. What goes wrong in it is its result, and does not fail the job."""

    def __init__(self, attempt: Attempt, store: PatientStore, artifacts: ArtifactStore) -> None:
        self._attempt, self._store, self._artifacts = attempt, store, artifacts

    def succeed(self, outcome: Outcome) -> Messages:
        if isinstance(outcome, TrialDone):
            return self._finish_with(outcome)
        if isinstance(outcome, TrialFailed):
            return self._finish(outcome)
        failure = internal_failure(f"a trial came to a {type(outcome).__name__}")
        return self.fail(failure.error, failure.log)

    def _finish_with(self, done: TrialDone) -> Messages:
        """Who lost the trial to another attempt must not touch the files of that one."""
        if done.files and self._store.patiently(self._attempt.lease.renew) is Stop.LOST:
            self._attempt.log.warning("trial lost: its result is dropped")
            return ()
        return self._finish(self._with_its_files(done))

    def _with_its_files(self, done: TrialDone) -> TrialDone:
        """Store what the trial kept; what is not there as an ordinary file is said to be missing."""
        job = trial_commands.job_of(self._attempt.unit)
        stored, missing = [], dict(done.files_missing)
        for name in (name for name in NETWORK_FILES if name in done.files):
            if (file := open_result(self._attempt.scratch / name)) is None:
                missing[name] = "the training did not leave it as an ordinary file"
                continue
            with file:
                self._artifacts.put(network_name(job, name), file)
            stored.append(name)
        return done.model_copy(update={"files": tuple(stored), "files_missing": missing})

    def fail(self, error: JobError, log: str = "") -> Messages:
        if log:
            self._attempt.log.error("%s", log)
        return self._finish(TrialFailed(reason=error.detail))

    def cancel(self) -> Messages:
        return self._finish(TrialFailed(reason="The job was cancelled."))

    def _finish(self, result: TrialDone | TrialFailed) -> Messages:
        attempt = self._attempt
        command = trial_commands.finish_trial(attempt.unit, attempt.number, result.model_dump_json())
        end = self._store.execute(command)
        attempt.log.info("trial %s, its result: %s", result.kind, end)
        return (trial_commands.job_of(attempt.unit),) if end == "gather" else ()


MakeClosing = Callable[[Attempt, PatientStore, ArtifactStore], Closing]
CLOSINGS: dict[UnitKind, MakeClosing] = {"job": JobClosing, "trial": TrialClosing, "gathering": JobClosing}
