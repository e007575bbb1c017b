"""The zygote: a process that has imported everything a job needs, and forks a fresh child for each job.

It exists because `import torch` takes seconds and a fork milliseconds. Its children share its memory, so it
holds nothing worth reading: it is started with a clean environment and never sees a request. It runs one
thread and no tensor operation: after an OpenMP region or a backward pass, its children would hang in theirs.

(`multiprocessing`'s fork server does much of this, but it takes the environment of whoever starts it, imports
the caller's main module in each child, and shares one server with everything else in the process.)
"""

import argparse
import gc
import importlib
import os
import selectors
import signal
import socket
import sys
from contextlib import suppress

from workers.isolation.child import become_child
from workers.isolation.linux import die_with_parent

LARGEST_REQUEST = 64 * 1024
MOST_DESCRIPTORS = 16
"""The child's channel, its output, its status, and the files it is given."""


class Server:
    """Forks a child for each request on the control socket, and reports its end to who asked for it.

    A request is one packet: a ChildSpec as JSON with file descriptors. The first is a pipe that gets two
    lines, the child's process id and its wait status; then the child's channel, what takes its output, and
    the files it is given.
    """

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._children: dict[int, int] = {}
        self._woken, wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
        signal.set_wakeup_fd(wake, warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)

    def serve(self) -> None:
        """Until the worker closes its end."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._control, selectors.EVENT_READ)
            selector.register(self._woken, selectors.EVENT_READ)
            while True:
                ready = {key.fd for key, _ in selector.select()}
                if self._woken in ready:
                    os.read(self._woken, 4096)
                    self._reap()
                if self._control.fileno() in ready and not self._accept():
                    return

    def _accept(self) -> bool:
        packet, descriptors, _, _ = socket.recv_fds(self._control, LARGEST_REQUEST, MOST_DESCRIPTORS)
        if not packet:
            return False
        status, *childs = descriptors
        self._fork(packet, childs, status)
        return True

    def _fork(self, packet: bytes, childs: list[int], status: int) -> None:
        zygote = os.getpid()
        channel, output, *files = childs
        try:
            pid = os.fork()
        except OSError as error:  # the machine is full: closing `status` without a word says so
            print(f"zygote: fork: {error}", file=sys.stderr)  # noqa: T201 - the worker's log
            _close(status, *childs)
            return
        if pid == 0:
            become_child(packet, channel, output, files, zygote)
        _close(*childs)
        self._children[pid] = status
        _tell(status, pid)

    def _reap(self) -> None:
        while self._children:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            descriptor = self._children.pop(pid)
            _tell(descriptor, status)
            os.close(descriptor)


def _close(*descriptors: int) -> None:
    for descriptor in descriptors:
        os.close(descriptor)


def _tell(descriptor: int, number: int) -> None:
    with suppress(BrokenPipeError):  # the worker does not care any more
        os.write(descriptor, b"%d\n" % number)


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m workers.isolation.zygote")
    parser.add_argument("--parent", type=int, required=True)
    parser.add_argument("--control", type=int, required=True)
    parser.add_argument("--preload", nargs="*", default=[])
    options = parser.parse_args()
    die_with_parent(options.parent)
    signal.signal(signal.SIGPIPE, signal.SIG_IGN)
    for module in options.preload:
        importlib.import_module(module)
    gc.collect()
    gc.freeze()  # or each child's first collection would copy all of the zygote's pages
    with socket.socket(fileno=options.control) as control:
        Server(control).serve()
    sys.exit(0)


if __name__ == "__main__":
    main()
