"""Directories that jobs write to: fresh for each attempt, and gone after it."""

import fcntl
import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Self

PREFIX = "worker-"
LOCK = "lock"


class Scratch:
    """One worker's directory below `root`, which several workers may share, even from several containers.

    The worker holds a lock on a file in it for as long as it lives, so that the next one to start can tell
    what dead workers left behind, and removes it.
    """

    def __init__(self, root: Path) -> None:
        root.mkdir(parents=True, exist_ok=True)
        self._remove_leftovers(root)
        self._directory = Path(tempfile.mkdtemp(prefix=PREFIX, dir=root)).resolve()
        self._directory.chmod(0o711)  # a job that runs as another user must be able to pass
        self._lock = os.open(self._directory / LOCK, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)

    @contextmanager
    def directory(self) -> Iterator[Path]:
        """A fresh, private directory, removed with everything in it at the end."""
        path = Path(tempfile.mkdtemp(prefix="job-", dir=self._directory))
        try:
            yield path
        finally:
            shutil.rmtree(path, ignore_errors=True)

    def close(self) -> None:
        shutil.rmtree(self._directory, ignore_errors=True)
        os.close(self._lock)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()

    @staticmethod
    def _remove_leftovers(root: Path) -> None:
        for directory in root.glob(f"{PREFIX}*"):
            if _is_abandoned(directory):
                shutil.rmtree(directory, ignore_errors=True)


def open_result(path: Path) -> BinaryIO | None:
    """An ordinary file that a job left in its scratch directory, or None.

    The job is not trusted: what it left may be a link to somebody else's file, or a pipe that never answers.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    except OSError:
        return None
    found = os.fstat(descriptor)
    if stat.S_ISREG(found.st_mode) and found.st_nlink == 1:
        return os.fdopen(descriptor, "rb")
    os.close(descriptor)
    return None


def _is_abandoned(directory: Path) -> bool:
    """Whether nobody holds its lock. One without a lock file is just being made by another worker, or rubbish
    that does no harm: it is left alone."""
    try:
        lock = os.open(directory / LOCK, os.O_RDWR | os.O_CLOEXEC)
    except OSError:
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        return False
    finally:
        os.close(lock)
    return True
