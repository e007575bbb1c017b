"""A worker's word that it lives and how it confines its jobs: repeated while it runs, then taken back."""

import logging
import threading
from typing import Self

from service.store.command import Command
from service.store.errors import StoreError
from service.store.jobs import BlockingJobStore
from service.store.worker_reports import forget_worker, report_worker
from workers.isolation.confinement.policy import Protections, described

REPEAT_SECONDS = 10.0
TTL_MS = 30_000
LAST_WORD_SECONDS = 2.0

log = logging.getLogger(__name__)


class Presence:
    """Tells the log once, and the store again and again, which protections are in force."""

    def __init__(
        self, store: BlockingJobStore, worker: str, protections: Protections, *, required: bool
    ) -> None:
        """`required`: whether uploads are refused where protections are missing."""
        self._store = store
        self._worker = worker
        self._protections = protections
        self._required = required
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._repeat, name="presence", daemon=True)

    def __enter__(self) -> Self:
        if self._protections.missing:
            missing = described(self._protections.missing.items())
            log.warning("jobs are less isolated than they could be: %s. See docs/security.md", missing)
        else:
            log.info("jobs are isolated by %s", ", ".join(sorted(self._protections.present)))
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join(LAST_WORD_SECONDS)  # Redis may be away: the store then forgets by itself

    def _repeat(self) -> None:
        while not self._ending.is_set():
            in_force, required = self._protections.in_force, self._required
            self._tell(report_worker(self._worker, in_force, TTL_MS, required=required))
            self._ending.wait(REPEAT_SECONDS)
        self._tell(forget_worker(self._worker))

    def _tell(self, command: Command[None]) -> None:
        try:
            self._store.execute(command)
        except StoreError as error:  # the next time will do; if there is none, the store forgets by itself
            log.debug("could not tell the store of this worker: %s", error)
