"""The store, for a thread that has nothing better to do than to wait for it."""

import time
from collections.abc import Callable
from typing import TypeVar

from service.store.command import Command
from service.store.errors import StoreUnavailableError
from service.store.jobs import BlockingJobStore

T = TypeVar("T")
RETRY_SECONDS = 0.5
LAST_WORD_SECONDS = 2.0
"""How long a stopping worker that does not reach Redis tries to tell it."""


class GivenUpError(Exception):
    """Redis was away when the worker had to stop: the lease will run out and the work be done again."""


class PatientStore:
    """Waits for Redis as long as it takes, or until shortly after the worker has to stop."""

    def __init__(self, store: BlockingJobStore, stop_at: Callable[[], float]) -> None:
        """`stop_at`: when the worker has to stop, by `time.monotonic`; infinity while it need not."""
        self._store = store
        self._stop_at = stop_at

    def execute(self, command: Command[T]) -> T:
        """The command's answer. Raises GivenUpError."""
        return self.patiently(lambda: self._store.execute(command))

    def patiently(self, step: Callable[[], T]) -> T:
        """A step that uses the store, again and again until Redis answers. Raises GivenUpError."""
        while True:
            try:
                return step()
            except StoreUnavailableError as error:
                if time.monotonic() > self._stop_at() + LAST_WORD_SECONDS:
                    raise GivenUpError from error
                time.sleep(RETRY_SECONDS)
