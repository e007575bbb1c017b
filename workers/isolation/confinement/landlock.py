"""Landlock: which files a process can reach, and no TCP, no foreign sockets, no signals to others.

The kernel's own interface (https://docs.kernel.org/userspace-api/landlock.html); neither Python nor the C
library wraps it. Each version of it ("ABI") knows more kinds of access; what a kernel does not know is left
out, so that older ones still protect what they can.
"""

import ctypes
import os
import stat
import struct
from collections.abc import Iterable
from pathlib import Path

from workers.isolation.linux import checked, libc

CREATE_RULESET, ADD_RULE, RESTRICT_SELF = 444, 445, 446
"""Numbers of the system calls; the same on every architecture."""
GIVE_VERSION = 1
PATH_BENEATH = 1

WRITE_FILE, READ_FILE, READ_DIR = 1 << 1, 1 << 2, 1 << 3
REMOVE_DIR, REMOVE_FILE = 1 << 4, 1 << 5
MAKE_DIR, MAKE_REG = 1 << 7, 1 << 8
REFER = 1 << 13
"""Move from one folder to another."""
TRUNCATE, IOCTL_DEV = 1 << 14, 1 << 15

READ = READ_FILE | READ_DIR
WRITE = READ | WRITE_FILE | TRUNCATE | REFER | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG
"""Ordinary files and directories only: no links, pipes, sockets or devices for the worker to stumble over."""
USE_DEVICE = READ_FILE | WRITE_FILE | IOCTL_DEV
ON_DIRECTORIES_ALONE = READ_DIR | REFER | REMOVE_DIR | REMOVE_FILE | MAKE_DIR | MAKE_REG

FILE_RIGHTS_OF_VERSION = {1: 13, 2: 14, 3: 15, 4: 15}
"""How many kinds of access to files a version knows; 16 from version 5 on."""
TCP_BIND_AND_CONNECT = 3
"""From version 4 on."""
ABSTRACT_SOCKETS_AND_SIGNALS = 3
"""From version 6 on."""


def version() -> int:
    """The kernel's version of Landlock; 0 if it has none or it is switched off."""
    found: int = libc().syscall(CREATE_RULESET, None, ctypes.c_size_t(0), GIVE_VERSION)
    return max(found, 0)


class Ruleset:
    """Rules that are collected while files can still be reached, and then put into force for good."""

    def __init__(self) -> None:
        """Raises OSError if the kernel has no Landlock."""
        abi = version()
        if abi == 0:
            raise OSError("this kernel has no Landlock, or it is switched off (Linux 5.13 and later have it)")
        self._handled = (1 << FILE_RIGHTS_OF_VERSION.get(abi, 16)) - 1
        attributes = struct.pack("=Q", self._handled)
        if abi >= 4:
            attributes += struct.pack("=Q", TCP_BIND_AND_CONNECT)
        if abi >= 6:
            attributes += struct.pack("=Q", ABSTRACT_SOCKETS_AND_SIGNALS)
        size = ctypes.c_size_t(len(attributes))
        made = libc().syscall(CREATE_RULESET, attributes, size, 0)
        self._descriptor = checked(made, "landlock_create_ruleset")

    def allow(self, paths: Iterable[Path], rights: int) -> None:
        """Allow `rights` on each of the paths that exists, and on all below it."""
        for path in paths:
            try:
                descriptor = os.open(path, os.O_PATH | os.O_CLOEXEC)
            except OSError:
                continue  # what is not there needs no permission
            try:
                self._allow(descriptor, rights)
            finally:
                os.close(descriptor)

    def _allow(self, descriptor: int, rights: int) -> None:
        if not stat.S_ISDIR(os.fstat(descriptor).st_mode):
            rights &= ~ON_DIRECTORIES_ALONE
        rule = struct.pack("=Qi", rights & self._handled, descriptor)
        added = libc().syscall(ADD_RULE, self._descriptor, PATH_BENEATH, rule, 0)
        checked(added, "landlock_add_rule")

    def enforce(self) -> None:
        """Bind the calling process, for good; it must have given up new privileges. Raises OSError."""
        checked(libc().syscall(RESTRICT_SELF, self._descriptor, 0), "landlock_restrict_self")
        self.close()

    def close(self) -> None:
        os.close(self._descriptor)
