"""What happens in a job's process between the fork and the job's own code, and how the job's end is told."""

import faulthandler
import fcntl
import importlib
import os
import signal
import sys
import tempfile
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import BinaryIO, NoReturn

from pydantic import BaseModel, ConfigDict, Field

from service.contract.errors import ErrorCode
from service.contract.job import Progress
from workers.isolation.confinement.confine import confine
from workers.isolation.confinement.policy import Policy
from workers.isolation.limits import ChildLimits
from workers.isolation.linux import die_with_parent
from workers.isolation.messages import Failure, Message, Outcome, Report, Result, encode

Entry = Callable[["ChildSpec", Callable[[Progress], None]], Outcome]
"""A job's or a trial's own code. It may raise JobFailedError; anything else that it raises is our
fault, or memory's."""

REQUEST_FILE = "request.json"
MOST_DESCRIPTORS = 65_536
STDOUT, STDERR, CHANNEL, FIRST_FILE = 1, 2, 3, 4
"""Where a child finds its descriptors."""


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
    confinement: Policy = Field(default_factory=Policy)
    files: tuple[str, ...] = ()
    """The files that the worker has opened for it, by the names that `open` knows them by."""

    def open(self, name: str) -> BinaryIO:
        """A file of the worker's, for reading from its beginning; in the child, which could not open it by
        itself. One reader at a time: all share one position. Raises KeyError for a name that is not in
        `files`."""
        if name not in self.files:
            raise KeyError(name)
        file = os.fdopen(os.dup(FIRST_FILE + self.files.index(name)), "rb")
        file.seek(0)
        return file

    @property
    def request_json(self) -> bytes:
        return (self.scratch / REQUEST_FILE).read_bytes()


def become_child(spec_json: bytes, channel: int, output: int, files: Sequence[int], zygote: int) -> NoReturn:
    """Make the freshly forked process the job's, run the job, and end. Never returns or raises.

    `channel` takes its messages, `output` what it prints; `files` are the spec's files in their order. All
    other descriptors but standard input are closed.
    """
    code = 1
    try:
        _detach(zygote)
        _keep_only(output, output, channel, *files)
        spec = ChildSpec.model_validate_json(spec_json)
        _run(spec, zygote)
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
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGCHLD, signal.SIGXFSZ):
        signal.signal(number, signal.SIG_DFL)


def _keep_only(*kept: int) -> None:
    """Make these the descriptors from 1 on and close all others, the zygote's sockets among them."""
    out_of_the_way = STDOUT + len(kept)
    copies = [fcntl.fcntl(descriptor, fcntl.F_DUPFD, out_of_the_way) for descriptor in kept]
    for descriptor, copy in enumerate(copies, start=STDOUT):
        os.dup2(copy, descriptor)
    os.closerange(out_of_the_way, MOST_DESCRIPTORS)
    faulthandler.enable()  # a fatal signal leaves Python's stack in what the worker keeps of the output


def _move_into(scratch: Path) -> None:
    os.chdir(scratch)
    os.environ.update(HOME=str(scratch), TMPDIR=str(scratch))
    tempfile.tempdir = str(scratch)


def _bind(spec: ChildSpec, zygote: int) -> None:
    """Take from the process what the job does not need. Raises ConfinementError if that is not possible."""
    spec.limits.apply()
    spec.confinement.insist(confine(spec.confinement, spec.scratch, zygote))


def _run(spec: ChildSpec, zygote: int) -> None:
    def send(message: Message) -> None:
        data = memoryview(encode(message))
        while data:
            data = data[os.write(CHANNEL, data) :]

    try:
        entry = _load(spec.entry)  # our own code, perhaps from where the job cannot read any more
        _move_into(spec.scratch)
        _bind(spec, zygote)
        outcome = entry(spec, lambda progress: send(Report(progress=progress)))
    except Exception as error:
        send(failure_of(error))
    else:
        send(Result.of(outcome))


def _load(entry: str) -> Entry:
    module, _, function = entry.partition(":")
    loaded: Entry = getattr(importlib.import_module(module), function)
    return loaded


TOO_MANY_THREADS = "can't start new thread"
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
    if TOO_MANY_THREADS in str(error):
        return Failure(code=ErrorCode.CRASHED, detail="The job's process tried to start too many threads.")
    text = "".join(traceback.format_exception(error))
    return Failure(code=ErrorCode.INTERNAL, detail="", traceback=text[-100_000:])


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an exception says that memory ran out, on the CPU or on a GPU."""
    if isinstance(error, MemoryError) or type(error).__name__ == "OutOfMemoryError":
        return True
    return isinstance(error, RuntimeError | OSError) and any(
        phrase in str(error) for phrase in OUT_OF_MEMORY_PHRASES
    )
