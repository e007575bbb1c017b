"""A job: what a client asks for, and what becomes of it."""

from datetime import datetime
from enum import StrEnum
from typing import Literal

from pydantic import Field, JsonValue

from service.contract.base import Contract
from service.contract.data_spec import DataRequest
from service.contract.diagnosis import Diagnosis, Verdict
from service.contract.errors import JobError
from service.contract.model_spec import ModelRequest
from service.contract.remedies import RemediesPlan, TrialProgress
from service.contract.training_plan import Device, Limits, ProbePlan, TrainingPlan


class JobRequest(Contract):
    """A network, its data and how it is trained: what is to be diagnosed."""

    model: ModelRequest
    """The network."""
    data: DataRequest
    """What it is trained on."""
    training: TrainingPlan = TrainingPlan()
    """How it is trained."""
    probe: ProbePlan = ProbePlan()
    """How often everything is measured, and what that may cost."""
    remedies: RemediesPlan = RemediesPlan()
    """Which remedies are tried if the network is ill."""
    device: Device = "auto"
    """`auto` takes a GPU where the worker has one."""
    limits: Limits = Limits()
    """What the job may use."""
    metadata: dict[str, JsonValue] = Field(
        default_factory=dict, max_length=64, examples=[{"commit": "abc123"}]
    )
    """Yours: kept with the job and returned untouched."""


class JobState(StrEnum):
    """Where a job stands. The last three are final."""

    QUEUED = "queued"
    RUNNING = "running"
    CANCELLING = "cancelling"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def final(self) -> bool:
        return self in {JobState.SUCCEEDED, JobState.FAILED, JobState.CANCELLED}


Phase = Literal["preparing", "training", "diagnosing", "trying"]


class Progress(Contract):
    """How far a running job is."""

    phase: Phase
    """What it is doing."""
    step: int = Field(ge=0)
    """Training steps done."""
    steps: int = Field(ge=0)
    """Training steps to do."""
    loss: float | None = None
    """The latest training loss; null if not finite or not known yet."""
    trials: list[TrialProgress] = Field(default_factory=list)
    """In the phase `trying`: each remedy's trial."""


class ExpandedLayer(Contract):
    """One layer of a network after templates and repeats were written out."""

    name: str
    """Its path, as in the diagnosis."""
    op: str
    """Its operation."""
    output_shape: list[int]
    """Shape of its output for one sample."""
    parameters: int
    """Number of its trainable parameters."""


class ExpandedModel(Contract):
    """A network as it will be built."""

    layers: list[ExpandedLayer]
    """Its layers in the order of the forward pass."""
    parameters: int
    """Number of its trainable parameters."""


class JobLinks(Contract):
    """Where to go from a job."""

    self: str
    """The job."""
    diagnosis: str
    """The diagnosis alone."""
    trace: str
    """Every measurement, .npz."""
    artifacts: str
    """The prescribed network, with each of `prescription.files` in place of `{file}`."""
    cancel: str
    """POST here to stop the job."""


class JobSummary(Contract):
    """A job as lists show it."""

    id: str = Field(examples=["job_01JD7G4Q3V8W1Z6X2N5T9R0KCE"])
    """The job's identifier; later jobs sort after earlier ones."""
    status: JobState
    """Where it stands."""
    created_at: datetime
    """When it was accepted, UTC."""
    started_at: datetime | None = None
    """When its present or last attempt began, UTC."""
    finished_at: datetime | None = None
    """When it reached a final state, UTC."""
    expires_at: datetime | None = None
    """When it will be deleted, UTC; set once it is final."""
    attempt: int = Field(default=0, ge=0)
    """How often a worker has begun it."""
    progress: Progress | None = None
    """How far it is."""
    verdict: Verdict | None = None
    """The diagnosis in a word, once there is one."""
    error: JobError | None = None
    """Why it failed, if it failed."""
    links: JobLinks
    """Where to go from here."""


class Job(JobSummary):
    """A job and what became of it."""

    request: JobRequest
    """What was asked for, defaults filled in."""
    expanded: ExpandedModel | None
    """The network as it is built; null where an uploaded network or data set decides: see the diagnosis'
    `layers`."""
    diagnosis: Diagnosis | None = None
    """The answer: complete once the job has succeeded. While remedies are tried it is there already, with
    `remedies_outcome` `unfinished` and the trials of the rounds before, and stays if the job then ends."""


class JobList(Contract):
    """A page of jobs, newest first."""

    data: list[JobSummary]
    """The jobs."""
    has_more: bool
    """Whether older ones follow."""
    next_cursor: str | None = None
    """Give it as `after` to get the next page."""
