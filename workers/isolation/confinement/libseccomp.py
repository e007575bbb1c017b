"""libseccomp: knows each architecture's system calls, and compiles rules about them for the kernel.

The few of its functions that are needed: https://man7.org/linux/man-pages/man3/seccomp_rule_add.3.html
"""

import ctypes
import errno
import os
from collections.abc import Iterable, Sequence
from enum import IntEnum
from functools import cache
from typing import Any, NamedTuple

ALLOW = 0x7FFF_0000
KILL_PROCESS = 0x8000_0000
UNKNOWN_CALL = -1


def fail_with(number: int) -> int:
    """The action of a call that is not carried out, but fails with this `errno`."""
    return 0x0005_0000 | number


class Comparison(IntEnum):
    NOT_EQUAL = 1
    LESS = 2
    EQUAL = 4
    MASKED_EQUAL = 7


class Condition(NamedTuple):
    """What an argument (0 is the first) of a call has to be: (not) `value`, less, or masked by `value`, then
    `masked_value`."""

    argument: int
    comparison: Comparison
    value: int
    masked_value: int = 0


class _ArgumentComparison(ctypes.Structure):
    _fields_ = (
        ("argument", ctypes.c_uint),
        ("comparison", ctypes.c_int),
        ("value", ctypes.c_uint64),
        ("masked_value", ctypes.c_uint64),
    )


class Filter:
    """Rules about system calls, collected and then put into force for good."""

    def __init__(self, otherwise: int) -> None:
        """`otherwise` is the action for calls that no rule is about. Raises OSError without libseccomp."""
        self._library = _library()
        self._context = ctypes.c_void_p(self._library.seccomp_init(ctypes.c_uint32(otherwise)))
        if not self._context:
            raise OSError(errno.EINVAL, "seccomp_init failed")

    def add(self, action: int, names: Iterable[str], *conditions: Condition) -> None:
        """The same rule for several calls; those that this kind of machine lacks are left out.

        Raises OSError, if only because the action is the filter's `otherwise` already.
        """
        for name in names:
            number = self._library.seccomp_syscall_resolve_name(name.encode())
            if number != UNKNOWN_CALL:
                self._add(action, name, number, conditions)

    def _add(self, action: int, name: str, number: int, conditions: Sequence[Condition]) -> None:
        comparisons = (_ArgumentComparison * len(conditions))(*(_ArgumentComparison(*c) for c in conditions))
        done = self._library.seccomp_rule_add_array(
            self._context, ctypes.c_uint32(action), number, len(conditions), comparisons
        )
        _check(done, f"seccomp_rule_add of {name}")

    def load(self) -> None:
        """Bind the calling process, which must have given up new privileges. Raises OSError."""
        _check(self._library.seccomp_load(self._context), "seccomp_load")
        self._library.seccomp_release(self._context)


@cache
def _library() -> Any:
    """Loaded once, by the zygote: its children could not."""
    try:
        library = ctypes.CDLL("libseccomp.so.2")
    except OSError as error:
        raise OSError(f"the library libseccomp.so.2 is missing ({error})") from error
    library.seccomp_init.restype = ctypes.c_void_p
    return library


def preload() -> None:
    """Load the library if it is there."""
    try:
        _library()
    except OSError:
        return


def _check(result: int, what: str) -> None:
    if result < 0:
        raise OSError(-result, f"{what}: {os.strerror(-result)}")
