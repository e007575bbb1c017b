"""Jobs with trials as they should be: a model of the store in plain Python, without time or messages lost."""

from dataclasses import dataclass, field
from typing import Literal

from service.contract.job import JobState

ATTEMPTS = 2
HELD = {JobState.RUNNING, JobState.CANCELLING}


@dataclass
class Unit:
    """What a job and a trial have in common."""

    attempt: int = 0
    lost: int = 0
    short: bool = False
    """Whether its present lease runs out at once."""
    unsent: bool = False
    """Whether the reaper is to send its message at its next look."""


@dataclass
class ModelTrial(Unit):
    state: Literal["queued", "running", "done"] = "queued"
    result: str | None = None


@dataclass
class ModelJob(Unit):
    state: JobState = JobState.QUEUED
    awaits: Literal["trials", "gathering"] | None = None
    drafted: bool = False
    gatherings: int = 0
    fresh: bool = False
    trials: dict[str, ModelTrial] = field(default_factory=dict)
    """Those that are kept, of all rounds."""
    round: tuple[str, ...] = ()

    @property
    def held(self) -> bool:
        return self.state in HELD and self.awaits is None

    @property
    def free(self) -> bool:
        return self.state is JobState.QUEUED or self.awaits == "gathering"

    def claim(self) -> None:
        self.attempt += 1
        self.unsent = False
        if self.fresh and self.awaits == "gathering":
            self.fresh, self.gatherings = False, self.gatherings + 1
        self.state, self.awaits = JobState.RUNNING, None

    def branch(self, trials: tuple[str, ...]) -> None:
        self.round, self.awaits, self.drafted, self.fresh = trials, "trials", True, True
        self.trials |= {trial: ModelTrial() for trial in trials}

    def end(self, state: JobState) -> None:
        self.state = JobState.CANCELLED if self.state is JobState.CANCELLING else state
        self.awaits, self.unsent, self.trials, self.round = None, False, {}, ()

    def lose(self, counted: bool) -> None:
        """Of the job itself, not of a trial."""
        self.short = False
        if self.state is JobState.CANCELLING:
            self.end(JobState.CANCELLED)
            return
        self.lost += counted
        if self.lost >= ATTEMPTS:
            self.end(JobState.FAILED)
            return
        self.unsent = True
        if self.drafted:
            self.awaits = "gathering"
        else:
            self.state = JobState.QUEUED

    def cancel(self) -> None:
        for trial in self.round:
            if self.awaits == "trials" and trial in self.trials and self.trials[trial].state == "queued":
                del self.trials[trial]
        held = self.held or (self.awaits == "trials" and bool(self.running))
        if held and not self.state.final:
            self.state = JobState.CANCELLING
        elif not self.state.final:
            self.end(JobState.CANCELLED)

    @property
    def running(self) -> list[str]:
        return [trial for trial in self.round if self.trials.get(trial, ModelTrial()).state == "running"]

    def end_trial(self, trial: str, result: str, *, unsent: bool) -> str:
        """What finishing it is answered. `unsent`: whoever ended it sends no message after the last one."""
        made = self.trials[trial]
        made.state, made.result, made.short = "done", result, False
        if self.state is JobState.CANCELLING:
            del self.trials[trial]
            if self.running:
                return "kept"
            self.end(JobState.CANCELLED)
            return "cancelled"
        if any(self.trials[each].state != "done" for each in self.round):
            return "kept"
        self.awaits, self.unsent = "gathering", unsent
        return "gather"

    def lose_trial(self, trial: str, counted: bool) -> str:
        """What releasing it is answered."""
        lost = self.trials[trial]
        lost.short = False
        if self.state is JobState.CANCELLING:
            self.end_trial(trial, "", unsent=True)
            return "cancelled"
        lost.lost += counted
        if lost.lost >= ATTEMPTS:
            self.end_trial(trial, "given up", unsent=True)
            return "failed"
        lost.state, lost.unsent = "queued", True
        return "requeued"
