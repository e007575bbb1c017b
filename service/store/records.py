"""What the store remembers, and what its transitions answer."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal, NamedTuple

from service.contract.job import JobState
from service.contract.upload import UploadKind


class UploadKey(NamedTuple):
    """Names the record of an upload."""

    kind: UploadKind
    id: str
    """`sha256:…`: the content."""

    def __str__(self) -> str:
        return f"{self.kind}:{self.id}"


@dataclass(frozen=True)
class NewJob:
    """A job to be kept. `idempotency_key` counts for its `caller` only; `body_hash` tells bodies apart."""

    id: str
    request_json: str
    expanded_json: str
    caller: str
    idempotency_key: str | None = None
    body_hash: str = ""
    uploads: tuple[UploadKey, ...] = ()
    """What it needs until it is final; each once."""


@dataclass(frozen=True)
class Submission:
    """What became of a submitted job.

    `created`: it is queued. `replayed`: the key was used for the same body: `job_id` is that first job.
    `conflict`: the key was used for another body, by `job_id`. `queue_full`: nothing was kept, no `job_id`.
    `uploads_missing`: likewise, as some of its uploads are not here (any more).
    """

    outcome: Literal["created", "replayed", "conflict", "queue_full", "uploads_missing"]
    job_id: str | None
    missing: tuple[str, ...] = ()
    """The uploads that are not here, as `str(UploadKey)`."""


@dataclass(frozen=True)
class JobSummaryRecord:
    """A job without its large fields, as lists need it. All times are UTC."""

    id: str
    status: JobState
    created_at: datetime
    started_at: datetime | None
    finished_at: datetime | None
    expires_at: datetime | None
    attempt: int
    revision: int
    """Grows with every change that a reader can see: what an ETag needs."""
    caller: str
    progress_json: str | None
    verdict: str | None
    error_json: str | None


@dataclass(frozen=True)
class JobRecord(JobSummaryRecord):
    """A job with all that is kept of it."""

    request_json: str
    expanded_json: str
    diagnosis_json: str | None
    traced_by: int
    """The claim that left the trace, if there is one."""


@dataclass(frozen=True)
class Tombstone:
    """What is left of a job that was removed."""

    job_id: str
    kind: Literal["deleted", "expired"]
    removed_at: datetime


@dataclass(frozen=True)
class Page:
    """A page of jobs, newest first; `next_cursor` is set if older ones follow."""

    records: tuple[JobSummaryRecord, ...]
    has_more: bool
    next_cursor: str | None


UnitKind = Literal["job", "trial", "gathering"]
"""`job`: from the beginning; `trial`: one of its trials; `gathering`: going on with the trials' results."""


@dataclass(frozen=True)
class NewTrial:
    """A trial to be made. The store looks into its order as little as into a request."""

    order_json: str
    title: str
    """What progress calls it."""
    steps: int


@dataclass(frozen=True)
class NewRound:
    """Trials that are to be made before a job goes on."""

    trials: Sequence[NewTrial]
    draft_json: str
    """What who goes on with the job is to know. The store does not look into it."""
    diagnosis_json: str
    """What readers see until then."""
    verdict: str


class MadeTrial(NamedTuple):
    """An order and its result."""

    order_json: str
    result_json: str


@dataclass(frozen=True)
class Branching:
    """What became of a job that was to have trials made.

    `branched`: `trials` are units of work now, and no worker has the job. `cancelled`: that is what the job
    is now. `stale`: the attempt is not the current one: nothing was written.
    """

    outcome: Literal["branched", "cancelled", "stale"]
    trials: tuple[str, ...] = ()


@dataclass(frozen=True)
class Claim:
    """The right to do a unit of work until its lease runs out. `attempt` is what every later command must
    show."""

    attempt: int
    request_json: str
    """The job's request; of a trial, its order."""
    kind: UnitKind = "job"
    draft_json: str | None = None
    """Of a gathering: what the round of trials began with."""
    trials: tuple[MadeTrial, ...] = ()
    """Of a gathering: the trials of the round, all made."""


@dataclass(frozen=True)
class UploadRecord:
    """A file that was uploaded. All times are UTC."""

    id: str
    kind: UploadKind
    size_bytes: int
    created_at: datetime
    expires_at: datetime
    """When it is removed, unless an unfinished job uses it then."""
    jobs: int
    """Number of unfinished jobs that use it."""
    artifact: str
    """Name of its file in the artifact store."""


@dataclass(frozen=True)
class Registration:
    """What became of an upload: `created`, or `known`: there was a record of the content already."""

    outcome: Literal["created", "known"]
    record: UploadRecord


@dataclass(frozen=True)
class UploadRemoval:
    """What became of an upload that was to be removed. `artifact` is the file that nobody needs any more."""

    outcome: Literal["deleted", "in_use", "unknown"]
    artifact: str | None = None


@dataclass(frozen=True)
class UploadPage:
    """A page of uploads, newest first; `next_cursor` is set if older ones follow."""

    records: tuple[UploadRecord, ...]
    has_more: bool
    next_cursor: str | None


Renewal = Literal["held", "cancel", "lost"]
Release = Literal["requeued", "failed", "cancelled", "stale"]
TrialEnd = Literal["kept", "gather", "cancelled", "stale"]
Cancellation = Literal["cancelled", "cancelling", "already_final_cancelled", "finished", "unknown"]
Deletion = Literal["deleted", "not_final", "unknown"]
