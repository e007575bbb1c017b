"""seccomp: which system calls the kernel carries out for a process. The lists are in `system_calls`."""

import errno
import fcntl
import os

from workers.isolation.confinement import libseccomp
from workers.isolation.confinement.libseccomp import (
    ALLOW,
    KILL_PROCESS,
    Comparison,
    Condition,
    Filter,
    fail_with,
)
from workers.isolation.confinement.system_calls import ALLOWED, FATAL, REFUSED

REFUSE, HIDE = fail_with(errno.EPERM), fail_with(errno.ENOSYS)

MAP_SHARED, MAP_ANONYMOUS = 0x01, 0x20
CLONE_THREAD = 0x0001_0000
PR_SET_NAME, PR_GET_NAME, PR_SET_VMA = 15, 16, 0x5356_4D41
ACCESS_MODE = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
F_SETOWN_EX = 15
FILE_LOCKS = (36, 37, 38)
"""The locks of open files: F_OFD_GETLK, F_OFD_SETLK, F_OFD_SETLKW."""
UNIX_SOCKETS = 1
SOCKET_MAKERS = ("socket", "socketpair")
SIGNAL_SENDERS = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")

libseccomp.preload()


def enforce(*, cuda: bool) -> None:
    """Bind the calling process, for good; it must have given up new privileges.

    Raises:
        OSError: the kernel has no seccomp, or the library `libseccomp` is missing.
    """
    rules = Filter(ALLOW if cuda else HIDE)
    rules.add(KILL_PROCESS, FATAL.split())
    if cuda:
        rules.add(REFUSE, set(REFUSED.split()).difference(SOCKET_MAKERS))
        rules.add(REFUSE, SOCKET_MAKERS, Condition(0, Comparison.NOT_EQUAL, UNIX_SOCKETS))
    else:
        rules.add(REFUSE, REFUSED.split())
        rules.add(ALLOW, ALLOWED.split())
        _allow_private_memory(rules)
        _allow_opening(rules)
        _allow_file_control(rules)
        _allow_what_concerns_itself(rules)
    _refuse_signals_to_others(rules)
    _refuse_processes(rules, cuda=cuda)
    rules.load()


def _masked(argument: int, mask: int, value: int) -> Condition:
    return Condition(argument, Comparison.MASKED_EQUAL, mask, value)


def _allow_private_memory(rules: Filter) -> None:
    """Memory shared between processes is not counted by the limits, and there is nobody to share it with."""
    rules.add(ALLOW, ["mmap"], _masked(3, MAP_ANONYMOUS, 0))
    rules.add(ALLOW, ["mmap"], _masked(3, MAP_ANONYMOUS | MAP_SHARED, MAP_ANONYMOUS))
    rules.add(REFUSE, ["mmap"], _masked(3, MAP_ANONYMOUS | MAP_SHARED, MAP_ANONYMOUS | MAP_SHARED))


def _allow_opening(rules: Filter) -> None:
    """All but emptying a file by opening it for reading: Landlock overlooks that before its version 3."""
    rules.add(ALLOW, ["openat"], _masked(2, os.O_TRUNC, 0))
    rules.add(REFUSE, ["openat"], _masked(2, os.O_TRUNC | ACCESS_MODE, os.O_TRUNC | os.O_RDONLY))
    for mode in (os.O_WRONLY, os.O_RDWR):
        rules.add(ALLOW, ["openat"], _masked(2, os.O_TRUNC | ACCESS_MODE, os.O_TRUNC | mode))


def _allow_file_control(rules: Filter) -> None:
    rules.add(ALLOW, ["fcntl"], Condition(1, Comparison.LESS, fcntl.F_SETOWN))
    for command in (fcntl.F_DUPFD_CLOEXEC, *FILE_LOCKS):
        rules.add(ALLOW, ["fcntl"], Condition(1, Comparison.EQUAL, command))


def _allow_what_concerns_itself(rules: Filter) -> None:
    """Names of threads and memory, its own limits, signals (how a process aborts), the cores it runs on."""
    for option in (PR_SET_NAME, PR_GET_NAME, PR_SET_VMA):
        rules.add(ALLOW, ["prctl"], Condition(0, Comparison.EQUAL, option))
    rules.add(ALLOW, ["prlimit64"], Condition(2, Comparison.EQUAL, 0))
    rules.add(ALLOW, ["sched_setaffinity"], Condition(0, Comparison.EQUAL, 0))
    rules.add(ALLOW, SIGNAL_SENDERS, Condition(0, Comparison.EQUAL, os.getpid()))


def _refuse_signals_to_others(rules: Filter) -> None:
    """Landlock does so too, but only from its version 6 on."""
    rules.add(REFUSE, SIGNAL_SENDERS, Condition(0, Comparison.NOT_EQUAL, os.getpid()))
    rules.add(REFUSE, ["tkill"])
    for command in (fcntl.F_SETOWN, fcntl.F_SETSIG, F_SETOWN_EX):  # by way of a file
        rules.add(REFUSE, ["fcntl"], Condition(1, Comparison.EQUAL, command))


def _refuse_processes(rules: Filter, *, cuda: bool) -> None:
    """Threads alone. `clone3` keeps its flags where no filter sees them: without it, `clone` is used."""
    rules.add(REFUSE, ["clone"], _masked(0, CLONE_THREAD, 0))
    if cuda:
        rules.add(HIDE, ["clone3"])
    else:
        rules.add(ALLOW, ["clone"], _masked(0, CLONE_THREAD, CLONE_THREAD))
