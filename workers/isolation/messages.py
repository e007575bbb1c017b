"""What a job's process may say: lines of JSON, and nothing that is executed when it is read.

The child is not trusted. The worker reads without ever waiting for the rest of a line, bounds what it keeps,
and validates each line.
"""

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode
from service.contract.job import Progress
from workers.remedies.messages import Round, TrialDone, TrialFailed, TrialResult

LARGEST_LINE = 64 * 2**20
"""Bytes; a diagnosis of thousands of layers is a few MB."""


class ProtocolError(Exception):
    """A child said something that is no message."""


class _Message(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Report(_Message):
    """The job lives and is so far."""

    kind: Literal["report"] = "report"
    progress: Progress


Outcome = Diagnosis | Round | TrialDone | TrialFailed
"""What a unit of work can come to: a job to its diagnosis or to trials to be made, a trial to its result."""


class Result(_Message):
    """The work is done; a job's trace lies in the scratch directory. One of these is set."""

    kind: Literal["result"] = "result"
    diagnosis: Diagnosis | None = None
    round: Round | None = None
    trial: TrialResult | None = None

    @model_validator(mode="after")
    def _one(self) -> Self:
        if sum(each is not None for each in (self.diagnosis, self.round, self.trial)) != 1:
            raise ValueError("a result is either a diagnosis, or a round of trials, or a trial's")
        return self

    @classmethod
    def of(cls, outcome: Outcome) -> Self:
        if isinstance(outcome, Diagnosis):
            return cls(diagnosis=outcome)
        return cls(round=outcome) if isinstance(outcome, Round) else cls(trial=outcome)

    @property
    def outcome(self) -> Outcome:
        outcome = self.diagnosis or self.round or self.trial
        assert outcome is not None, "one is set"
        return outcome


class Failure(_Message):
    """The job ended without a diagnosis, in a way that the child could tell."""

    kind: Literal["failure"] = "failure"
    code: ErrorCode
    detail: Annotated[str, Field(max_length=4000)]
    """For the client; empty for an unexpected exception."""
    traceback: Annotated[str, Field(max_length=100_000)] = ""
    """For the worker's log alone."""


Message = Report | Result | Failure
_MESSAGE: TypeAdapter[Message] = TypeAdapter(Annotated[Message, Field(discriminator="kind")])


def encode(message: Message) -> bytes:
    """One line, with its newline: JSON text holds none inside."""
    return message.model_dump_json().encode() + b"\n"


class Decoder:
    """Turns the bytes that arrive from a child, in pieces of any size, into messages."""

    def __init__(self, largest_line: int = LARGEST_LINE) -> None:
        self._largest_line = largest_line
        self._pending = bytearray()

    def feed(self, data: bytes) -> list[Message]:
        """The messages that `data` completes. Raises ProtocolError for too long a line or no message."""
        *lines, rest = data.split(b"\n")
        messages = []
        for line in lines:
            self._append(line)
            messages.append(_parse(bytes(self._pending)))
            self._pending.clear()
        self._append(rest)
        return messages

    def _append(self, data: bytes) -> None:
        self._pending += data
        if len(self._pending) > self._largest_line:
            raise ProtocolError(f"a message of more than {self._largest_line} bytes")


def _parse(line: bytes) -> Message:
    try:
        return _MESSAGE.validate_json(line)
    except ValidationError as error:
        raise ProtocolError(f"not a message: {error.errors(include_input=False)[:3]}") from error
