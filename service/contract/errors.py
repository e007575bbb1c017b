"""How things go wrong, in the words that clients see."""

from enum import StrEnum

from pydantic import Field

from service.contract.base import Contract


class InvalidRequestError(ValueError):
    """A request that is well-formed but cannot work, with the place in it that is wrong.

    Raised by the contract's own checks (shapes, sizes); the front answers 422 with `pointer` and `detail`.
    """

    def __init__(self, pointer: str, detail: str) -> None:
        super().__init__(f"{pointer}: {detail}")
        self.pointer = pointer
        self.detail = detail


class ErrorCode(StrEnum):
    """Why a job failed: the request's fault, a limit's, or ours, in this order."""

    MODEL_INVALID = "model_invalid"
    DATA_INVALID = "data_invalid"
    UNSAFE_CHECKPOINT = "unsafe_checkpoint"

    TIMED_OUT = "timed_out"
    OUT_OF_MEMORY = "out_of_memory"
    STALLED = "stalled"
    DEVICE_UNAVAILABLE = "device_unavailable"

    CRASHED = "crashed"
    WORKER_LOST = "worker_lost"
    INTERNAL = "internal"

    @property
    def retryable(self) -> bool:
        """Whether the same request may well succeed if it is sent again."""
        return self in {ErrorCode.WORKER_LOST, ErrorCode.INTERNAL}


class JobError(Contract):
    """Why a job failed."""

    code: ErrorCode
    """A stable word for programs."""
    detail: str
    """A sentence for people: what happened and what to do."""
    retryable: bool
    """Whether the same request may well succeed if it is sent again."""

    @classmethod
    def of(cls, code: ErrorCode, detail: str) -> "JobError":
        return cls(code=code, detail=detail, retryable=code.retryable)


class FieldProblem(Contract):
    """One thing that is wrong in a request."""

    pointer: str | None = None
    """JSON Pointer (RFC 6901) into the request body; empty for the whole body."""
    parameter: str | None = None
    """Name of the query parameter or header, if the problem is not in the body."""
    detail: str
    """What is wrong there and what would be right."""


class Problem(Contract):
    """A problem document (RFC 9457), media type `application/problem+json`."""

    type: str = "about:blank"
    """A URI reference that names the kind of problem."""
    title: str
    """The kind of problem in a few words; the same for each of its occurrences."""
    status: int = Field(ge=400, le=599)
    """The HTTP status code."""
    detail: str | None = None
    """What happened this time and what to do."""
    instance: str | None = None
    """The request's path."""
    errors: list[FieldProblem] | None = None
    """For an invalid request: each thing that is wrong."""
