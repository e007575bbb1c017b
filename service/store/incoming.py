"""A file that is still arriving."""

import hashlib
import os
import secrets
import threading
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Self

_RENAME_ATTEMPTS = 10


class IncomingFile:
    """Hashes what it writes, and in the end is kept under a name or gone. Everything here blocks.

    One thread writes at a time; `discard` may come from any, and waits for a write that is under way.
    """

    def __init__(self, folder: Path) -> None:
        """Begin an empty file in `folder`, which must be on the file system that it is kept on."""
        folder.mkdir(parents=True, exist_ok=True)
        self._path = folder / secrets.token_hex(16)
        self._file = self._path.open("xb")
        self._sha256 = hashlib.sha256()
        self._lock = threading.Lock()
        self.size = 0
        """Bytes written."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.discard()

    @property
    def sha256(self) -> str:
        """SHA-256 of what was written, in hexadecimal."""
        return self._sha256.hexdigest()

    def write(self, chunks: Iterable[bytes]) -> None:
        """Append, chunk after chunk.

        Raises:
            OSError: it could not be written, for example as the disk is full; or the file was discarded.
        """
        with self._lock:
            if self._file.closed:
                raise OSError("the file was discarded")
            for chunk in chunks:
                self._sha256.update(chunk)
                self._file.write(chunk)
                self.size += len(chunk)

    def keep(self, target: Path) -> None:
        """Give it its name; it and its name are on disk (fsync) once this returns.

        Raises:
            OSError: it could not be written.
        """
        self._file.flush()
        os.fsync(self._file.fileno())
        self._file.close()
        _rename(self._path, target)
        sync_folder(target.parent)

    def discard(self) -> None:
        """Delete it, unless it was kept. Twice is fine."""
        with self._lock:
            with suppress(OSError):  # what is buffered may not fit on the disk
                self._file.close()
            self._path.unlink(missing_ok=True)


def sync_folder(folder: Path) -> None:
    """A rename is durable only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _rename(source: Path, target: Path) -> None:
    """Also if somebody who deleted the last file of the target's folder removes the folder in between."""
    for attempt in range(1, _RENAME_ATTEMPTS + 1):
        target.parent.mkdir(parents=True, exist_ok=True)
        try:
            source.replace(target)
            return
        except FileNotFoundError:
            if attempt == _RENAME_ATTEMPTS:
                raise
