"""What can stand against a request about jobs."""

from datetime import datetime

from service.contract.job import JobState
from service.problems import ConflictError, GoneError, InvalidRequestProblem, NotFoundError, UnavailableError


class JobNotFoundError(NotFoundError):
    """No job has this id; perhaps it was removed long ago."""

    title = "No such job"
    kind = "job-not-found"


class JobGoneError(GoneError):
    """The job was deleted, or its time was over (`expires_at`)."""

    title = "The job was removed"
    kind = "job-gone"

    def __init__(self, kind: str, removed_at: datetime) -> None:
        super().__init__(f"it was {kind} at {removed_at:%Y-%m-%dT%H:%M:%SZ}")


class JobNotFinalError(ConflictError):
    """The job is queued or running, and what was asked for is not there yet."""

    title = "The job is not done"
    kind = "job-not-done"

    def __init__(self, status: JobState, hint: str) -> None:
        super().__init__(f"the job is {status}; {hint}", headers={"Retry-After": "1"})


class JobFailedError(ConflictError):
    """The job ended without a diagnosis: it failed or was cancelled."""

    title = "The job has no diagnosis"
    kind = "job-failed"


class JobFinishedError(ConflictError):
    """The job has come to its end already and cannot be cancelled."""

    title = "The job is finished"
    kind = "job-finished"


class TraceMissingError(NotFoundError):
    """The job has a diagnosis but its measurements are not on this service's disk."""

    title = "No trace"
    kind = "trace-missing"


class ArtifactMissingError(NotFoundError):
    """The job has no file of that name."""

    title = "No such file"
    kind = "artifact-missing"


class KeyReusedError(InvalidRequestProblem):
    """This `Idempotency-Key` was used for a request with another body."""

    title = "The idempotency key was used for another request"
    kind = "idempotency-key-reused"


class QueueFullError(UnavailableError):
    """As many jobs wait as this service keeps waiting."""

    title = "The queue is full"
    kind = "queue-full"

    def __init__(self) -> None:
        super().__init__("too many jobs are waiting; try again later", retry_after=10)
