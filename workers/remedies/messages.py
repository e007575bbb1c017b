"""What the parts of an experiment tell each other: units of work, and their results. JSON, as it passes
through the store and from the jobs' processes."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.remedies import Measured, TrialRun


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


MOST_SEED = 2**32
MOST_EXTENSIONS = 2
"""How often the search for a learning rate goes on beyond its range."""


class TrialOrder(_Message):
    """One trial to be made by whichever worker is free."""

    number: int = Field(ge=0)
    """Its place among the job's trials; the control is 0."""
    remedy: str
    """The remedy, or `control`."""
    variant: str | None = None
    also: tuple[str, ...] = ()
    """Remedies that it is combined with, with their variants: applied before this one."""
    description: str = ""
    """What was changed, in a sentence or two."""
    request: JobRequest
    """The way of training: the job's request, changed."""
    seeds: tuple[int, ...]
    """Those of the runs that are measured."""
    learning_rates: tuple[float, ...]
    """Those that are compared, from a seed of their own; the best one by training loss is used with all
    seeds."""
    own_rate: bool = False
    """Whether it is measured at the request's own learning rate, and what is best only reported: the control.
    """
    pretraining_steps: int = 0
    """Steps that come on top of the training's in each run, as foreseen."""
    seconds: float | None = None
    """What it may take; null: as long as its runs may."""
    keep: bool = False
    """Whether the network that the first seed's run ends with is kept as files."""

    @property
    def remedies(self) -> tuple[str, ...]:
        """The names of all remedies in it."""
        return (self.remedy, *(title.partition(" (")[0] for title in self.also))

    @property
    def title(self) -> str:
        """What is tried, with its variant, for people."""
        name = f"{self.remedy} ({self.variant})" if self.variant else self.remedy
        return f"{'keeping ' if self.keep else ''}{' + '.join([name, *self.also])}"

    @property
    def search_seed(self) -> int:
        """The seed of the runs that compare learning rates: none that is measured, so that the best one is
        not chosen by its luck there."""
        return (self.seeds[-1] + 1) % MOST_SEED

    @property
    def search_rates(self) -> tuple[float, ...]:
        """The learning rates that are compared; a single one is not."""
        return self.learning_rates if len(self.learning_rates) > 1 else ()

    @property
    def runs(self) -> int:
        """How many trainings it takes, if the best learning rate is not at an end of the range."""
        return len(self.search_rates) + len(self.seeds) * (2 if self.own_rate and self.search_rates else 1)

    @property
    def most_runs(self) -> int:
        """How many trainings it takes at most."""
        return self.runs + (MOST_EXTENSIONS if self.search_rates else 0)

    @property
    def steps_per_run(self) -> int:
        """Training steps of a run, with those of a pre-training."""
        return self.request.training.steps + self.pretraining_steps

    @property
    def steps(self) -> int:
        """Training steps of all its runs."""
        return self.steps_per_run * self.runs

    @property
    def most_seconds(self) -> float:
        """The job's limit is one run's; a trial has it for each of its runs, within what it was given."""
        allowed = self.request.limits.wall_seconds * self.most_runs
        return allowed if self.seconds is None else min(allowed, self.seconds)


class TrialDone(_Message):
    """What a trial measured."""

    kind: Literal["done"] = "done"
    measured: Measured
    runs: tuple[TrialRun, ...]
    files: tuple[str, ...] = ()
    """What was kept, by name, in the scratch directory."""
    files_missing: dict[str, str] = Field(default_factory=dict)
    """Of what was to be kept and was not: why."""


class TrialFailed(_Message):
    """Why a trial measured nothing. It costs this trial, not the job."""

    kind: Literal["failed"] = "failed"
    reason: str
    not_applicable: bool = False
    """The remedy does not fit this network, found out only when it was built."""
    runs: tuple[TrialRun, ...] = ()
    """Those that were finished."""
    seconds: float = 0.0
    """How long it took, the training that was not finished included; 0 if its process was lost."""


TrialResult = Annotated[TrialDone | TrialFailed, Field(discriminator="kind")]


class FinishedTrial(_Message):
    """A trial with its result."""

    order: TrialOrder
    result: TrialResult


class NotTried(_Message):
    """A remedy that no trial was made of."""

    remedy: str
    variant: str | None = None
    also: tuple[str, ...] = ()
    status: Literal["not_applicable", "skipped"]
    reason: str


class Draft(_Message):
    """A job between two rounds of trials."""

    diagnosis: Diagnosis
    """Without trials."""
    finished: tuple[FinishedTrial, ...] = ()
    """Those of the rounds before."""
    not_tried: tuple[NotTried, ...] = ()
    """What the rounds so far left out."""


class Gathered(_Message):
    """A job whose trials of a round are all made: what the process is told that decides how to go on."""

    request: JobRequest
    draft: Draft
    """With the finished trials of all rounds."""


class Round(_Message):
    """The trials to make next; then their results are gathered."""

    draft: Draft
    so_far: Diagnosis
    """What readers see until then: the diagnosis with the trials of the rounds before."""
    orders: tuple[TrialOrder, ...] = Field(min_length=1)
