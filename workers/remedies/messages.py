"""What the parts of an experiment tell each other: units of work, and their results. JSON, as it passes
through the store and from the jobs' processes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.remedies import Measured, TrialRun


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class TrialOrder(_Message):
    """One trial to be made by whichever worker is free."""

    number: int = Field(ge=0)
    """Its place among the job's trials; the control is 0."""
    remedy: str
    """The remedy, or `control`."""
    variant: str | None = None
    also: tuple[str, ...] = ()
    """Remedies that it is combined with."""
    description: str = ""
    """What was changed, in a sentence."""
    request: JobRequest
    """The way of training: the job's request, changed."""
    seeds: tuple[int, ...]
    learning_rates: tuple[float, ...]
    """Those that are tried with the first seed; the best one by training loss is used with all seeds."""
    seconds: float | None = None
    """What it may take; null: the job's own limit."""
    keep: bool = False
    """Whether the network that the first seed's run ends with is kept as files."""

    @property
    def title(self) -> str:
        """The remedy with its variant, for people."""
        return " + ".join([f"{self.remedy} ({self.variant})" if self.variant else self.remedy, *self.also])

    @property
    def steps(self) -> int:
        """Training steps of all its runs."""
        searched = len(self.learning_rates) if len(self.learning_rates) > 1 else 0
        return self.request.training.steps * (searched + len(self.seeds))


class TrialDone(_Message):
    """What a trial measured."""

    kind: Literal["done"] = "done"
    measured: Measured
    runs: tuple[TrialRun, ...]
    files: tuple[str, ...] = ()
    """What was kept, by name, in the scratch directory."""


class TrialFailed(_Message):
    """Why a trial measured nothing. It costs this trial, not the job."""

    kind: Literal["failed"] = "failed"
    reason: str
    not_applicable: bool = False
    """The remedy does not fit this network, found out only when it was built."""
    runs: tuple[TrialRun, ...] = ()


TrialResult = Annotated[TrialDone | TrialFailed, Field(discriminator="kind")]


class FinishedTrial(_Message):
    """A trial with its result."""

    order: TrialOrder
    result: TrialResult


class Draft(_Message):
    """A job between two rounds of trials."""

    diagnosis: Diagnosis
    """Without trials."""
    finished: tuple[FinishedTrial, ...] = ()
    """Those of the rounds before."""
    not_tried: tuple[tuple[str, str, str], ...] = ()
    """Remedy, status (`not_applicable`, `skipped`) and reason of what was not tried."""


class Gathered(_Message):
    """A job whose trials of a round are all made: what the process is told that decides how to go on."""

    request: JobRequest
    draft: Draft
    """With the finished trials of all rounds."""


class Round(_Message):
    """The trials to make next; then their results are gathered."""

    draft: Draft
    orders: tuple[TrialOrder, ...] = Field(min_length=1)
