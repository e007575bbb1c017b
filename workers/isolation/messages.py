"""What a job's process may say: lines of JSON, and nothing that is executed when it is read.

The child is not trusted. The worker reads without ever waiting for the rest of a line, bounds what it keeps,
and validates each line.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode
from service.contract.job import Progress

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


class Result(_Message):
    """The job is done; its trace lies in the scratch directory."""

    kind: Literal["result"] = "result"
    diagnosis: Diagnosis


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
