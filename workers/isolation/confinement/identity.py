"""The rights of the user that a job's process runs as: another's than root's, and no capabilities."""

import os
import resource
import struct
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

from workers.isolation.limits import lower
from workers.isolation.linux import PR_CAPBSET_DROP, PR_SET_DUMPABLE, PR_SET_KEEPCAPS, checked, libc, prctl

CAP_DAC_READ_SEARCH = 2
LAST_CAPABILITY = 63
CAPABILITY_VERSION_3 = 0x2008_0522
MOST_TASKS = 4096
"""Threads of all jobs together: the kernel counts a user's, and this user has nothing but jobs."""


def become_unprivileged(
    user: int, scratch: Path, needed: Iterable[Path], *, files_are_confined: bool
) -> None:
    """Become `user` if the process is root's, and give up all capabilities in any case.

    The scratch directory becomes the user's. Python itself may lie where only root can go (`/root/.pyenv`),
    and so may the scratch directory. Where the user cannot get to them, the process keeps the one capability
    that lets it pass and read (CAP_DAC_READ_SEARCH), provided that Landlock decides what it may read.

    Raises:
        OSError: the process has to stay what it is.
    """
    if os.geteuid() != 0:
        _keep_capabilities(0)
        return
    passable = _can_reach((scratch.parent, *needed), user)
    if not passable and not files_are_confined:
        raise OSError(f"user {user} cannot get to Python's files or the scratch directory")
    _give(scratch, user)
    _drop_bounding_set()
    prctl(PR_SET_KEEPCAPS, 1, "prctl(PR_SET_KEEPCAPS)")
    os.setgroups([])
    os.setresgid(user, user, user)
    os.setresuid(user, user, user)
    _keep_capabilities(0 if passable else 1 << CAP_DAC_READ_SEARCH)
    lower(resource.RLIMIT_NPROC, MOST_TASKS)


def hide() -> None:
    """No other process of the same user may look into this one, and it leaves no core."""
    prctl(PR_SET_DUMPABLE, 0, "prctl(PR_SET_DUMPABLE)")


def _give(scratch: Path, user: int) -> None:
    """The scratch directory, and what the worker put into it."""
    os.chown(scratch, user, user)
    for entry in os.scandir(scratch):
        os.chown(entry.path, user, user, follow_symlinks=False)


def _can_reach(paths: Iterable[Path], user: int) -> bool:
    """Whether `user` can go to the paths: found out by being that user for a moment."""
    groups, group = os.getgroups(), os.getegid()
    os.setgroups([])
    os.setegid(user)
    os.seteuid(user)
    try:
        return all(_is_open_to_us(path) for path in paths)
    finally:
        os.seteuid(0)
        os.setegid(group)
        os.setgroups(groups)


def _is_open_to_us(path: Path) -> bool:
    try:
        how = os.X_OK if path.is_dir() else os.R_OK
    except PermissionError:
        return False
    return os.access(path, how, effective_ids=True)


def _drop_bounding_set() -> None:
    for capability in range(LAST_CAPABILITY + 1):
        with suppress(OSError):  # the kernel knows fewer
            prctl(PR_CAPBSET_DROP, capability, "prctl(PR_CAPBSET_DROP)")


def _keep_capabilities(kept: int) -> None:
    """Keep a set of capabilities (a mask), in force; inherit none."""
    low, high = kept & 0xFFFF_FFFF, kept >> 32
    header = struct.pack("=Ii", CAPABILITY_VERSION_3, 0)
    checked(libc().capset(header, struct.pack("=6I", low, low, 0, high, high, 0)), "capset")
