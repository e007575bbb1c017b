"""The worker's side of isolation: the zygote's life, and one child's."""

import os
import select
import selectors
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from typing import Self

from workers.isolation.child import ChildSpec
from workers.isolation.environment import clean_environment
from workers.isolation.limits import SCRATCH_BYTES, disk_bytes, resident_bytes, thread_count
from workers.isolation.messages import Decoder, Message

READ_BYTES = 2**16
EXIT_SECONDS = 5.0
READS_OF_OUTPUT = 16
"""At each look: a child that prints more than a MiB meanwhile waits, and does not keep the worker busy."""
OUTPUT_KEPT = 16 * 1024
NO_FILES: Mapping[str, Path] = {}


class ZygoteLostError(Exception):
    """The zygote ended, and its children with it: not the job's fault."""


class ChildProcess:
    """One job's process, from the request to fork it until its end is known."""

    def __init__(self, scratch: Path, channel: int, output: int, status: int) -> None:
        self._scratch = scratch
        self._channel = channel
        self._output = output
        self._printed = b""
        self._status = status
        self._decoder = Decoder()
        self._status_text = b""
        self._drained = False
        self._selector = selectors.DefaultSelector()
        os.set_blocking(output, False)
        for descriptor in (channel, status):
            os.set_blocking(descriptor, False)
            self._selector.register(descriptor, selectors.EVENT_READ)

    @property
    def pid(self) -> int | None:
        """Its process id; null until the zygote has forked it."""
        lines = self._status_text.split(b"\n")
        return int(lines[0]) if len(lines) > 1 else None

    @property
    def exit_code(self) -> int | None:
        """Null while it runs; its exit status, or minus the number of the signal that ended it."""
        lines = self._status_text.split(b"\n")
        return os.waitstatus_to_exitcode(int(lines[1])) if len(lines) > 2 else None

    @property
    def memory_bytes(self) -> int:
        """Its resident memory without what belongs to files; 0 while or when there is no process."""
        return 0 if self.pid is None or self.exit_code is not None else resident_bytes(self.pid)

    @property
    def thread_count(self) -> int:
        """How many threads it runs; 0 while or when there is no process."""
        return 0 if self.pid is None or self.exit_code is not None else thread_count(self.pid)

    @property
    def scratch_bytes(self) -> int:
        """What its files take up."""
        return disk_bytes(self._scratch, SCRATCH_BYTES)

    @property
    def output(self) -> str:
        """The last that it printed, or its interpreter said of its end. For the log; not to be trusted."""
        self._read_output()
        return self._printed.decode("utf-8", "replace")

    def wait(self, timeout: float) -> list[Message]:
        """What it said within `timeout` seconds; returns at once when it says something or ends.

        Raises ProtocolError for what is no message, ZygoteLostError if its end will never be known.
        """
        messages: list[Message] = []
        ready = self._selector.select(timeout)
        self._read_output()
        self._drained = self.exit_code is not None and not ready
        for key, _ in ready:
            data = os.read(key.fd, READ_BYTES)
            if not data:
                self._selector.unregister(key.fd)
            if key.fd == self._channel:
                messages += self._decoder.feed(data)
            else:
                self._learn(data)
        return messages

    @property
    def ended(self) -> bool:
        """Whether it ended and all that it said was read."""
        return self.exit_code is not None and (self._drained or not self._selector.get_map())

    def join(self, timeout: float) -> int | None:
        """Wait for its end, whatever it still says; its exit code, or None if it does not end in time."""
        deadline = time.monotonic() + timeout
        while self.exit_code is None and (left := deadline - time.monotonic()) > 0:
            if select.select([self._status], [], [], left)[0]:
                self._learn(os.read(self._status, READ_BYTES))
        return self.exit_code

    def kill(self, number: signal.Signals = signal.SIGKILL) -> None:
        """Send a signal to it and to all it started."""
        self._wait_for_its_pid()
        if self.pid is None or self.exit_code is not None:
            return
        for send in (os.killpg, os.kill):  # the group is its own only once it has run for a moment
            with suppress(ProcessLookupError, PermissionError):
                send(self.pid, number)

    def close(self) -> None:
        """Kill it if it still runs, and forget it."""
        self.kill()
        self._selector.close()
        for descriptor in (self._channel, self._output, self._status):
            os.close(descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    def _wait_for_its_pid(self) -> None:
        """The child may speak before the zygote has said which process it is."""
        while self.pid is None and select.select([self._status], [], [], EXIT_SECONDS)[0]:
            data = os.read(self._status, READ_BYTES)
            if not data:  # never forked, or lost with its zygote
                return
            self._learn(data)

    def _read_output(self) -> None:
        for _ in range(READS_OF_OUTPUT):
            try:
                data = os.read(self._output, READ_BYTES)
            except BlockingIOError:
                return
            if not data:
                return
            self._printed = (self._printed + data)[-OUTPUT_KEPT:]

    def _learn(self, data: bytes) -> None:
        self._status_text += data
        if not data and self.exit_code is None:
            raise ZygoteLostError("the process that starts jobs ended")


class Zygote:
    """Starts children from a process that has already imported what they need.

    Start it from a thread that lives as long as the worker: the kernel ends it with that thread.
    """

    def __init__(self, preload: Sequence[str] = ()) -> None:
        self._preload = tuple(preload)
        self._lock = threading.Lock()
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None

    @property
    def pid(self) -> int | None:
        return self._process.pid if self._process else None

    def start(self) -> None:
        """Start it unless it runs. Returns before it has imported anything: requests wait for it."""
        with self._lock:
            if self._process is None or self._process.poll() is not None:
                self._discard()
                self._launch()

    def spawn(self, spec: ChildSpec, files: Mapping[str, Path] = NO_FILES) -> ChildProcess:
        """Ask for a child, which gets `files` opened for reading: `spec.open(name)`.

        Raises:
            OSError: a file cannot be opened.
            ZygoteLostError: there is no zygote to ask.
        """
        self.start()
        packet = spec.model_copy(update={"files": tuple(files)}).model_dump_json().encode()
        with ExitStack() as theirs:
            opened = [_open_for_child(path, theirs) for path in files.values()]
            pipes = [os.pipe() for _ in ("status", "channel", "output")]
            for _, write in pipes:
                theirs.callback(os.close, write)
            status, channel, output = (read for read, _ in pipes)
            try:
                assert self._control is not None
                socket.send_fds(self._control, [packet], [*(write for _, write in pipes), *opened])
            except OSError as error:
                for read, _ in pipes:
                    os.close(read)
                raise ZygoteLostError(str(error)) from error
        return ChildProcess(spec.scratch, channel, output, status)

    def close(self) -> None:
        """End it and all its children."""
        with self._lock:
            self._discard()

    def _launch(self) -> None:
        self._control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            descriptor = theirs.fileno()
            command = [sys.executable, "-m", "workers.isolation.zygote"]
            command += [
                "--parent",
                str(os.getpid()),
                "--control",
                str(descriptor),
                "--preload",
                *self._preload,
            ]
            self._process = subprocess.Popen(
                command,
                env=clean_environment(os.environ),
                stdin=subprocess.DEVNULL,
                pass_fds=(descriptor,),
                start_new_session=True,
            )

    def _discard(self) -> None:
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            self._process.kill()
            self._process.wait(EXIT_SECONDS)
            self._process = None


def _open_for_child(path: Path, theirs: ExitStack) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    theirs.callback(os.close, descriptor)
    return descriptor
