"""What happens in a job's process between the fork and the job's own code, and how the job's end is told."""

import faulthandler
import importlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import NoReturn

from pydantic import BaseModel, ConfigDict

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode
from service.contract.job import Progress
from workers.isolation.limits import ChildLimits
from workers.isolation.linux import die_with_parent
from workers.isolation.messages import Failure, Message, Report, Result, encode

Entry = Callable[["ChildSpec", Callable[[Progress], None]], Diagnosis]
"""A job's own code. It may raise JobFailedError; anything else that it raises is our fault, or memory's."""

REQUEST_FILE = "request.json"
MOST_DESCRIPTORS = 65_536


class JobFailedError(Exception):
    """A job that cannot be done, for a reason its sender can understand."""

    def __init__(self, code: ErrorCode, detail: str) -> None:
        super().__init__(f"{code}: {detail}")
        self.code = code
        self.detail = detail


class ChildSpec(BaseModel):
    """What a child is told."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    entry: str
    """The job's code, `module:function`, an `Entry`."""
    scratch: Path
    """The one directory it may write to. The request lies there as `request.json`."""
    limits: ChildLimits

    @property
    def request_json(self) -> bytes:
        return (self.scratch / REQUEST_FILE).read_bytes()


def become_child(spec_json: bytes, channel: int, zygote: int) -> NoReturn:
    """Make the freshly forked process the job's, run the job, and end. Never returns or raises."""
    code = 1
    try:
        _detach(zygote)
        _keep_only(channel)
        spec = ChildSpec.model_validate_json(spec_json)
        _move_into(spec.scratch)
        spec.limits.apply()
        _run(spec, channel)
        code = 0
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stderr.flush()
        os._exit(code)  # nothing that the zygote imported shall run its exit handlers here


def _detach(zygote: int) -> None:
    """A session of its own (no terminal's signals, one group to kill), and death with the zygote."""
    os.setsid()
    die_with_parent(zygote)
    signal.set_wakeup_fd(-1)
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD):
        signal.signal(number, signal.SIG_DFL)


def _keep_only(channel: int) -> None:
    """Close every file but the standard streams and the channel, the zygote's sockets among them."""
    os.closerange(3, channel)
    os.closerange(channel + 1, MOST_DESCRIPTORS)
    faulthandler.enable()  # a fatal signal leaves Python's stack in the worker's log


def _move_into(scratch: Path) -> None:
    os.chdir(scratch)
    os.environ.update(HOME=str(scratch), TMPDIR=str(scratch))
    tempfile.tempdir = str(scratch)


def _run(spec: ChildSpec, channel: int) -> None:
    def send(message: Message) -> None:
        data = memoryview(encode(message))
        while data:
            data = data[os.write(channel, data) :]

    try:
        diagnosis = _load(spec.entry)(spec, lambda progress: send(Report(progress=progress)))
    except Exception as error:
        send(failure_of(error))
    else:
        send(Result(diagnosis=diagnosis))


def _load(entry: str) -> Entry:
    module, _, function = entry.partition(":")
    loaded: Entry = getattr(importlib.import_module(module), function)
    return loaded


OUT_OF_MEMORY_PHRASES = (
    "can't allocate memory",
    "Cannot allocate memory",
    "CUDA out of memory",
    "std::bad_alloc",
)
"""PyTorch reports a failed allocation on the CPU as a plain RuntimeError with the first of these."""


def failure_of(error: Exception) -> Failure:
    """How an exception is told to the worker."""
    if isinstance(error, JobFailedError):
        return Failure(code=error.code, detail=error.detail[:4000])
    if is_out_of_memory(error):
        return Failure(code=ErrorCode.OUT_OF_MEMORY, detail="An allocation failed.")
    text = "".join(traceback.format_exception(error))
    return Failure(code=ErrorCode.INTERNAL, detail="", traceback=text[-100_000:])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the CPU or on a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError | OSError) and any(
        phrase in str(error) for phrase in OUT_OF_MEMORY_PHRASES
    )
