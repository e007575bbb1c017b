"""What a job must not be able to do, tried by a real job; and what it must be able to do all the same.

Some tests try these with single protections, as root: each must do no harm outside its process and the test's
own folder even where it succeeds.
"""

import ctypes
import errno
import fcntl
import json
import mmap
import os
import resource
import socket
import subprocess
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.contract.diagnosis import Diagnosis
from service.contract.job import Progress
from tests.faults.entries import healthy
from workers.isolation.child import ChildSpec

Report = Callable[[Progress], None]
LIBC = ctypes.CDLL(None, use_errno=True)
PTRACE_ATTACH = 16
BPF, IO_URING_SETUP, PROCESS_VM_READV, KEYCTL, OPEN_BY_HANDLE_AT = 321, 425, 310, 250, 304
"""System calls without a function in the C library; their numbers on x86-64."""


def attempt(spec: ChildSpec, report: Report) -> Diagnosis:
    """Try what the request's metadata say under `attempt`, on `target`; tell the error's name, or `done`."""
    wish = json.loads(spec.request_json)["metadata"]
    try:
        ATTEMPTS[wish["attempt"]](Path(wish["target"]))
    except OSError as error:
        outcome = errno.errorcode.get(error.errno or 0, repr(error))
    else:
        outcome = "done"
    return healthy().model_copy(update={"metadata": {"outcome": outcome}})


def tell_rights(spec: ChildSpec, report: Report) -> Diagnosis:
    """What the kernel says of the process."""
    lines = Path("/proc/self/status").read_text().splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    return healthy().model_copy(update={"metadata": status})


def call(function: Callable[..., int], *arguments: Any) -> None:
    """A function of the C library. Raises OSError if it fails."""
    if function(*arguments) == -1:
        raise OSError(ctypes.get_errno(), function.__name__)


def system_call(number: int, *arguments: Any) -> None:
    call(LIBC.syscall, number, *arguments)


def fork(_target: Path) -> None:
    if os.fork() == 0:
        os._exit(0)


def map_shared_memory(_target: Path) -> None:
    mmap.mmap(-1, 4096)


def start_many_threads(_target: Path) -> None:
    end = threading.Event()
    for _ in range(1000):
        threading.Thread(target=end.wait, daemon=True).start()
    end.wait()


def connect(address: Path) -> None:
    """To a real server, whose port stands in `address`."""
    with socket.socket() as client:
        client.connect(("127.0.0.1", int(address.name)))


def write_large_file(_target: Path) -> None:
    with Path("large").open("wb") as file:
        file.truncate(resource.getrlimit(resource.RLIMIT_FSIZE)[0] + 1)


def write_many_files(_target: Path) -> None:
    for number in range(1_000_000):
        Path(f"{number % 100}").mkdir(exist_ok=True)
        Path(f"{number % 100}/{number}").write_text("")


def print_without_end(_target: Path) -> None:
    while True:
        os.write(1, b"all work and no play\n" * 4096)


def write_inside(_target: Path) -> None:
    Path("folder").mkdir()
    written = Path("folder") / "file"
    written.write_text("first")
    written.write_text("second")
    written.rename("moved")
    assert Path("moved").read_text() == "second"
    Path("moved").unlink()
    Path("folder").rmdir()


FILES: dict[str, Callable[[Path], Any]] = {
    "read a file": Path.read_bytes,
    "list a folder": lambda target: list(target.parent.iterdir()),
    "write a new file": lambda target: target.with_name("new").write_text("intruder"),
    "overwrite a file": lambda target: target.write_text("intruder"),
    "empty a file while opening it to read": lambda target: os.open(target, os.O_RDONLY | os.O_TRUNC),
    "delete a file": Path.unlink,
    "move a file": lambda target: target.rename(target.with_name("moved")),
    "take a file in by a link": lambda target: os.link(target, "taken"),
    "make a folder": lambda target: target.with_name("new").mkdir(),
    "change a file's mode": lambda target: target.chmod(0o777),
    "read the passwords": lambda _: Path("/etc/passwd").read_bytes(),
    "read its parent's environment": lambda _: Path(f"/proc/{os.getppid()}/environ").read_bytes(),
    "read its parent's memory": lambda _: os.open(f"/proc/{os.getppid()}/mem", os.O_RDONLY),
}
LINKS: dict[str, Callable[[Path], Any]] = {
    "leave a symbolic link": lambda target: Path("trace.npz").symlink_to(target),
    "leave a pipe": lambda _: os.mkfifo("trace.npz"),
    "leave a socket": lambda _: os.mknod("trace.npz", 0o140644),
}
KERNEL: dict[str, Callable[[Path], Any]] = {
    "open a socket": lambda _: socket.socket(),
    "open a socket of the machine": lambda _: socket.socket(socket.AF_UNIX),
    "open a raw socket": lambda _: socket.socket(socket.AF_PACKET, socket.SOCK_RAW),
    "connect to a server": connect,
    "fork": fork,
    "start a program by way of Python": lambda _: subprocess.run(["/bin/true"], check=True),
    "signal its parent": lambda _: os.kill(os.getppid(), 0),
    "have its parent signalled": lambda _: fcntl.fcntl(0, fcntl.F_SETOWN, os.getppid()),
    "signal everybody": lambda _: os.kill(-1, 0),
    "become root": lambda _: os.setresuid(0, 0, 0),
    "share memory that no limit counts": map_shared_memory,
}
FATAL: dict[str, Callable[[Path], Any]] = {
    "become another program": lambda _: os.execv("/bin/true", ["true"]),
    "debug its parent": lambda _: call(LIBC.ptrace, PTRACE_ATTACH, os.getppid(), None, None),
    "read its parent's memory at once": lambda _: system_call(PROCESS_VM_READV, os.getppid(), 0, 0, 0, 0, 0),
    "mount": lambda _: call(LIBC.mount, b"none", b"/no/such/folder", b"tmpfs", 0, None),
    "make a namespace": lambda _: call(LIBC.unshare, 0x1000_0000),
    "change its root": lambda _: call(LIBC.chroot, b"/"),
    "load a program into the kernel": lambda _: system_call(BPF, 0, 0, 0),
    "go round the filter by io_uring": lambda _: system_call(IO_URING_SETUP, 1, 0),
    "use the kernel's keys": lambda _: system_call(KEYCTL, 0, 0, 0),
    "open a file by its number": lambda _: system_call(OPEN_BY_HANDLE_AT, 0, 0, 0),
}
ATTEMPTS = FILES | LINKS | KERNEL | FATAL
ATTEMPTS |= {
    "write inside": write_inside,
    "write a large file": write_large_file,
    "write many files": write_many_files,
    "print without end": print_without_end,
    "start many threads": start_many_threads,
}
