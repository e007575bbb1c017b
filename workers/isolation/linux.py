"""The few Linux system calls that Python does not wrap."""

import ctypes
import os
import signal
import sys
from functools import cache
from typing import Any

PR_SET_PDEATHSIG = 1
PR_SET_DUMPABLE = 4
PR_SET_KEEPCAPS = 8
PR_CAPBSET_DROP = 24
PR_SET_NO_NEW_PRIVS = 38


@cache
def libc() -> Any:
    """The process's own C library; ctypes knows its functions only when they are asked for."""
    return ctypes.CDLL(None, use_errno=True)


def checked(result: int, what: str) -> int:
    """`result`, unless it is the -1 of a call that failed: then OSError, with `what` in it."""
    if result == -1:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


def prctl(option: int, argument: int, what: str) -> None:
    """Raises OSError, with `what` in it."""
    checked(libc().prctl(option, argument, 0, 0, 0), what)


def die_with_parent(parent: int) -> None:
    """Have the kernel kill this process when `parent`, its parent process, ends in whatever way.

    To be precise, when the parent's *thread* that forked it ends. Elsewhere than on Linux this does nothing.
    The kernel forgets it when the process changes its user or capabilities: ask again after that.
    """
    if sys.platform != "linux":
        return
    prctl(PR_SET_PDEATHSIG, signal.SIGKILL, "prctl(PR_SET_PDEATHSIG)")
    if os.getppid() != parent:  # it ended before the request took effect
        os._exit(1)


def forbid_new_privileges() -> None:
    """No program that this process starts gets more rights than it has; Landlock and seccomp ask for it."""
    prctl(PR_SET_NO_NEW_PRIVS, 1, "prctl(PR_SET_NO_NEW_PRIVS)")
