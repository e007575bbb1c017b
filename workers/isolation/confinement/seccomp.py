"""seccomp: which system calls the kernel carries out for a process. The lists are in `system_calls`."""

import errno
import os
from collections.abc import Iterable
from contextlib import suppress
from typing import Any

from workers.isolation.confinement.system_calls import ALLOWED, FATAL, REFUSED

try:
    import pyseccomp  # type: ignore[import-untyped]
except (ImportError, RuntimeError, OSError) as error:  # it needs the library libseccomp.so.2
    pyseccomp, WHY_NOT = None, str(error)
else:
    WHY_NOT = ""

MAP_ANONYMOUS, MAP_SHARED, MAP_PRIVATE = 0x20, 0x01, 0x02
CLONE_THREAD = 0x0001_0000
PR_SET_NAME, PR_GET_NAME, PR_SET_VMA = 15, 16, 0x5356_4D41
ACCESS_MODE = os.O_RDONLY | os.O_WRONLY | os.O_RDWR
UNIX_SOCKETS = 1
SOCKET_MAKERS = ("socket", "socketpair")
SIGNAL_SENDERS = ("kill", "tgkill", "rt_sigqueueinfo", "rt_tgsigqueueinfo")


def enforce(*, cuda: bool) -> None:
    """Bind the calling process, for good; it must have given up new privileges.

    Raises:
        OSError: the kernel has no seccomp, or the library `libseccomp` or its Python binding is missing.
    """
    if pyseccomp is None:
        raise OSError(f"libseccomp or pyseccomp is missing ({WHY_NOT})")
    rules = pyseccomp.SyscallFilter(pyseccomp.ALLOW if cuda else pyseccomp.ERRNO(errno.ENOSYS))
    _add(rules, pyseccomp.KILL_PROCESS, FATAL.split())
    if cuda:
        _refuse(rules, (name for name in REFUSED.split() if name not in SOCKET_MAKERS))
        _refuse(rules, SOCKET_MAKERS, pyseccomp.Arg(0, pyseccomp.NE, UNIX_SOCKETS))
    else:
        _refuse(rules, REFUSED.split())
        _add(rules, pyseccomp.ALLOW, ALLOWED.split())
        _allow_private_memory(rules)
        _allow_opening(rules)
        _allow_naming(rules)
        _allow_asking_for_limits(rules)
        _allow_itself(rules)
    _refuse_signals_to_others(rules)
    _allow_threads_alone(rules, cuda=cuda)
    rules.load()


def _add(rules: Any, action: int, names: Iterable[str], *conditions: Any) -> None:
    """The same rule for several calls; this kind of machine may lack some of them."""
    for name in names:
        with suppress(ValueError, OSError):
            rules.add_rule(action, name, *conditions)


def _refuse(rules: Any, names: Iterable[str], *conditions: Any) -> None:
    _add(rules, pyseccomp.ERRNO(errno.EPERM), names, *conditions)


def _masked(argument: int, mask: int, value: int) -> Any:
    return pyseccomp.Arg(argument, pyseccomp.MASKED_EQ, mask, value)


def _allow_private_memory(rules: Any) -> None:
    """Memory shared between processes is not counted by the limits, and there is nobody to share it with."""
    _add(rules, pyseccomp.ALLOW, ["mmap"], _masked(3, MAP_ANONYMOUS, 0))
    _add(rules, pyseccomp.ALLOW, ["mmap"], _masked(3, MAP_ANONYMOUS | MAP_SHARED, MAP_ANONYMOUS))


def _allow_opening(rules: Any) -> None:
    """All but emptying a file by opening it for reading: Landlock overlooks that before its version 3."""
    _add(rules, pyseccomp.ALLOW, ["openat"], _masked(2, os.O_TRUNC, 0))
    for mode in (os.O_WRONLY, os.O_RDWR):
        _add(rules, pyseccomp.ALLOW, ["openat"], _masked(2, os.O_TRUNC | ACCESS_MODE, os.O_TRUNC | mode))


def _allow_naming(rules: Any) -> None:
    for option in (PR_SET_NAME, PR_GET_NAME, PR_SET_VMA):
        _add(rules, pyseccomp.ALLOW, ["prctl"], pyseccomp.Arg(0, pyseccomp.EQ, option))


def _allow_asking_for_limits(rules: Any) -> None:
    _add(rules, pyseccomp.ALLOW, ["prlimit64"], pyseccomp.Arg(2, pyseccomp.EQ, 0))


def _allow_itself(rules: Any) -> None:
    """Signals are how a process aborts; some OpenMP libraries bind their threads to cores."""
    _add(rules, pyseccomp.ALLOW, SIGNAL_SENDERS, pyseccomp.Arg(0, pyseccomp.EQ, os.getpid()))
    _add(rules, pyseccomp.ALLOW, ["sched_setaffinity"], pyseccomp.Arg(0, pyseccomp.EQ, 0))


def _refuse_signals_to_others(rules: Any) -> None:
    """Landlock does so too, but only from its version 6 on."""
    _refuse(rules, SIGNAL_SENDERS, pyseccomp.Arg(0, pyseccomp.NE, os.getpid()))
    _refuse(rules, ["tkill"])


def _allow_threads_alone(rules: Any, *, cuda: bool) -> None:
    """`clone3` keeps its flags where a filter cannot see them: without it, the C library uses `clone`."""
    _add(rules, pyseccomp.ERRNO(errno.ENOSYS), ["clone3"])
    _refuse(rules, ["clone"], _masked(0, CLONE_THREAD, 0))
    if not cuda:
        _add(rules, pyseccomp.ALLOW, ["clone"], _masked(0, CLONE_THREAD, CLONE_THREAD))
