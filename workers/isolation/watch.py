"""Following one child to its end: within its limits, and for as long as somebody wants its result."""

import signal
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import Enum

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode, JobError
from service.contract.job import Progress
from workers.isolation.limits import FILE_BYTES, MIB, SCRATCH_BYTES, ChildLimits
from workers.isolation.messages import Failure, Outcome, ProtocolError, Report, Result
from workers.isolation.process import ChildProcess, ZygoteLostError

LOOK_SECONDS = 0.1
"""How long to listen to the child before looking at limits again."""
SLOW_LOOK_SECONDS = 0.5
DEATH_SECONDS = 5.0
"""A killed process takes a moment to give its memory back; one that waits for a device may take longer."""
FORK_SECONDS = 120.0
"""The zygote may still be importing; after this long it never will be done."""


class Stop(Enum):
    """Why a child is ended whose own work was in order."""

    CANCELLED = "cancelled"
    LOST = "lost"
    SHUTDOWN = "shutdown"


@dataclass(frozen=True)
class Succeeded:
    """The child delivered what it was to."""

    outcome: Outcome

    @property
    def diagnosis(self) -> Diagnosis:
        """The outcome, which must be one."""
        if not isinstance(self.outcome, Diagnosis):
            raise TypeError(f"no diagnosis but a {type(self.outcome).__name__}")
        return self.outcome


@dataclass(frozen=True)
class Failed:
    """The job cannot be done. `log` is for the operator alone; `error` then only names the incident."""

    error: JobError
    log: str = ""


@dataclass(frozen=True)
class Stopped:
    """The child was ended for a reason that lies outside it."""

    why: Stop


Ending = Succeeded | Failed | Stopped
Pulse = Callable[[Progress | None], Stop | None]
"""Called several times a second with what is new since the last call; says whether to stop."""


class Watch:
    """The limits of one child, and what is known of it so far."""

    def __init__(
        self,
        child: ChildProcess,
        limits: ChildLimits,
        stall_seconds: float,
        breach: ErrorCode = ErrorCode.CRASHED,
    ) -> None:
        """`breach`: what a system call that no job may make is called; with an uploaded program,
        `unsafe_checkpoint`."""
        self._child = child
        self._breach = breach
        self._limits = limits
        self._stall_seconds = stall_seconds
        self._asked_at = time.monotonic()
        self._forked_at: float | None = None
        self._heard_at = self._looked_at = self._asked_at
        self._progress: Progress | None = None

    def follow(self, pulse: Pulse) -> Ending:
        """Wait for the child's end, or bring it about: on return it is dead.

        Raises ZygoteLostError if the child was lost together with the zygote, or was never forked.
        """
        ending: Ending | None = None
        while ending is None:
            ending, news = self._listen()
            ending = ending or self._stopped(pulse(news)) or self._exceeded() or self._gone()
        self._child.kill()
        self._child.join(DEATH_SECONDS)
        return self._with_output(ending)

    def _listen(self) -> tuple[Ending | None, Progress | None]:
        news = None
        try:
            messages = self._child.wait(LOOK_SECONDS)
        except ProtocolError as error:
            return internal_failure(f"the job's process said something that is no message: {error}"), None
        for message in messages:
            self._heard_at = time.monotonic()
            match message:
                case Report(progress=progress):
                    self._progress = news = progress
                case Result():
                    return Succeeded(message.outcome), None
                case Failure():
                    return self._told(message), None
        return None, news

    def _told(self, failure: Failure) -> Failed:
        match failure.code:
            case ErrorCode.INTERNAL:
                return internal_failure(failure.traceback or failure.detail)
            case ErrorCode.OUT_OF_MEMORY:
                return self._out_of_memory("needed more than")
            case code:
                return Failed(JobError.of(code, failure.detail))

    def _stopped(self, why: Stop | None) -> Stopped | None:
        return None if why is None else Stopped(why)

    def _exceeded(self) -> Failed | None:
        now = time.monotonic()
        if self._child.pid is None:
            if now - self._asked_at > FORK_SECONDS:
                raise ZygoteLostError(f"no process for the job within {FORK_SECONDS:g} s")
            return None
        if self._forked_at is None:
            self._forked_at = self._heard_at = now
        if self._child.memory_bytes > self._limits.memory_bytes:
            return self._out_of_memory("used more than")
        return self._overdue(now, self._forked_at) or self._excessive(now)

    def _overdue(self, now: float, forked_at: float) -> Failed | None:
        if now - forked_at > self._limits.wall_seconds:
            return self._timed_out(f"{self._limits.wall_seconds:g} seconds")
        if now - self._heard_at > self._stall_seconds:
            detail = f"The job gave no sign of life for {self._stall_seconds:g} seconds, {self._where()}: "
            detail += "a single operation takes that long, or never ends."
            return Failed(JobError.of(ErrorCode.STALLED, detail))
        return None

    def _excessive(self, now: float) -> Failed | None:
        """What no job needs by far; looked at rarely."""
        if now - self._looked_at < SLOW_LOOK_SECONDS:
            return None
        self._looked_at = now
        most = self._limits.most_threads
        if self._child.thread_count > most:
            detail = f"The job's process started more than {most} threads, {self._where()}."
        elif self._child.scratch_bytes > SCRATCH_BYTES:
            most = SCRATCH_BYTES // MIB
            detail = f"The job's process wrote more than {most} MiB of files, {self._where()}."
        else:
            return None
        return Failed(JobError.of(ErrorCode.CRASHED, detail))

    def _gone(self) -> Failed | None:
        if not self._child.ended:
            return None
        code = self._child.exit_code or 0
        if code == -signal.SIGXCPU:
            return self._timed_out("its CPU time")
        error = self._breach if code == -signal.SIGSYS else ErrorCode.CRASHED
        return Failed(JobError.of(error, f"The job's process {ending_of(code)}, {self._where()}."))

    def _with_output(self, ending: Ending) -> Ending:
        """What a failed job printed goes to the log with it: a crash's stack is there."""
        printed = self._child.output if isinstance(ending, Failed) else ""
        if not isinstance(ending, Failed) or not printed:
            return ending
        return replace(ending, log=f"{ending.log}\nThe last that the job printed:\n{printed}".lstrip())

    def _timed_out(self, limit: str) -> Failed:
        advice = "Ask for fewer steps, a smaller network or a longer limits.wall_seconds."
        detail = f"The job's limit of {limit} was reached {self._where()}. {advice}"
        return Failed(JobError.of(ErrorCode.TIMED_OUT, detail))

    def _out_of_memory(self, how: str) -> Failed:
        limit = f"its limit of {self._limits.memory_bytes // MIB} MiB"
        advice = "A smaller batch_size or network needs less."
        return Failed(
            JobError.of(ErrorCode.OUT_OF_MEMORY, f"The job {how} {limit}, {self._where()}. {advice}")
        )

    def _where(self) -> str:
        """How far the job was, to end a sentence with."""
        if self._progress is None or self._progress.phase == "preparing":
            return "before its first training step"
        if self._progress.phase == "diagnosing":
            return "after training, while it was being diagnosed"
        return f"at step {self._progress.step} of {self._progress.steps}"


def ending_of(code: int) -> str:
    """What an exit code (minus the number of a signal) says, as a part of a sentence."""
    if code >= 0:
        return f"ended with exit status {code} and without a result"
    try:
        name = signal.Signals(-code).name
    except ValueError:
        name = f"signal {-code}"
    hint = {
        -signal.SIGKILL: ", perhaps by the kernel's out-of-memory killer (this service did not send it)",
        -signal.SIGABRT: " (it ended itself after a fatal error)",
        -signal.SIGSYS: ": it made a forbidden system call, one that training has no use for",
        -signal.SIGXFSZ: f": it wrote a file of more than {FILE_BYTES // MIB} MiB",
    }.get(code, "")
    return f"was ended by {name}{hint}"


def internal_failure(log: str) -> Failed:
    """Something that should not happen: the client gets a number to ask about, the log gets the rest."""
    incident = uuid.uuid4().hex[:12]
    detail = f"An unexpected error in the service; its log has more under incident {incident}."
    return Failed(JobError.of(ErrorCode.INTERNAL, detail), f"incident {incident}\n{log}")
