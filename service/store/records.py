"""What the store remembers, and what its transitions answer."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from service.contract.job import JobState


@dataclass(frozen=True)
class NewJob:
    """A job to be kept. `idempotency_key` counts for its `caller` only; `body_hash` tells bodies apart."""

    id: str
    request_json: str
    expanded_json: str
    caller: str
    idempotency_key: str | None = None
    body_hash: str = ""


@dataclass(frozen=True)
class Submission:
    """What became of a submitted job.

    `created`: it is queued. `replayed`: the key was used for the same body: `job_id` is that first job.
    `conflict`: the key was used for another body, by `job_id`. `queue_full`: nothing was kept, no `job_id`.
    """

    outcome: Literal["created", "replayed", "conflict", "queue_full"]
    job_id: str | None


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


@dataclass(frozen=True)
class Claim:
    """The right to run a job until its lease runs out. `attempt` is what every later command must show."""

    attempt: int
    request_json: str


Renewal = Literal["held", "cancel", "lost"]
Release = Literal["requeued", "failed", "cancelled", "stale"]
Cancellation = Literal["cancelled", "cancelling", "already_final_cancelled", "finished", "unknown"]
Deletion = Literal["deleted", "not_final", "unknown"]
