"""A folder that one process at a time may work on."""

import fcntl
import os
import time
from pathlib import Path

from service.store.errors import DataDirectoryInUseError

_PATIENCE_SECONDS = 15.0
_PAUSE_SECONDS = 0.05


class DataLock:
    """A lock on a folder that is freed by the death of all who hold it, however they die.

    It is an flock on `{folder}/lock`. Children that inherit `descriptor` hold it too: a server which outlives
    its parent by a moment, to write what it has, keeps others from its files until it is done.
    """

    def __init__(self, folder: Path) -> None:
        """Take the lock.

        Raises:
            DataDirectoryInUseError: a living process holds it. One that has died is waited for, as its
                children may still be writing.
        """
        self._folder = folder
        self.descriptor = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            self._acquire()
        except BaseException:
            os.close(self.descriptor)
            raise
        os.ftruncate(self.descriptor, 0)
        os.pwrite(self.descriptor, str(os.getpid()).encode(), 0)

    def release(self) -> None:
        os.close(self.descriptor)

    def _acquire(self) -> None:
        deadline = time.monotonic() + _PATIENCE_SECONDS
        while True:
            try:
                fcntl.flock(self.descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
                return
            except BlockingIOError:
                holder = os.pread(self.descriptor, 32, 0).decode() or "unknown"
                if _is_alive(holder) or time.monotonic() > deadline:
                    advice = "End it, or choose another data directory."
                    message = f"{self._folder} is in use by process {holder}. {advice}"
                    raise DataDirectoryInUseError(message) from None
            time.sleep(_PAUSE_SECONDS)


def _is_alive(pid: str) -> bool:
    try:
        os.kill(int(pid), 0)
    except (ValueError, ProcessLookupError):
        return False
    except PermissionError:
        return True
    return True
