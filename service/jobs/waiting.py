"""Waiting for a job to change: one subscription per process, however many wait."""

import asyncio
from collections import defaultdict
from collections.abc import Coroutine, Iterator
from contextlib import contextmanager, suppress
from typing import Any, TypeVar

import structlog
from fastapi import Request
from starlette.requests import ClientDisconnect

from service.background import stop
from service.store.errors import StoreUnavailableError
from service.store.jobs import JobStore

T = TypeVar("T")

RECONNECT_SECONDS = 0.5

log = structlog.get_logger("service.waiting")


class Watch:
    """News of one job. Made before the job is read, so that no change falls in between."""

    def __init__(self) -> None:
        self._changed = asyncio.Event()

    def wake(self) -> None:
        self._changed.set()

    async def wait(self, seconds: float) -> None:
        """Return at the next change, or after `seconds`."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()
        self._changed.clear()


class ChangeFeed:
    """Passes the store's news on to those who wait.

    News can be lost while the connection to Redis is down: who waits must look for itself now and then.
    """

    def __init__(self, store: JobStore) -> None:
        self._store = store
        self._watches: defaultdict[str, set[Watch]] = defaultdict(set)
        self.closing = False
        """Whether the process is about to end: who waits should answer now."""

    @property
    def watched(self) -> int:
        """How many wait."""
        return sum(map(len, self._watches.values()))

    @contextmanager
    def watch(self, job_id: str) -> Iterator[Watch]:
        """News of a job for as long as the block lasts."""
        watch = Watch()
        self._watches[job_id].add(watch)
        try:
            yield watch
        finally:
            self._watches[job_id].discard(watch)
            if not self._watches[job_id]:
                del self._watches[job_id]

    async def run(self) -> None:
        """Listen until cancelled."""
        while True:
            try:
                async with self._store.changes() as job_ids:
                    self._wake_all()  # what changed before is not told again
                    async for job_id in job_ids:
                        self._wake(job_id)
            except StoreUnavailableError as error:
                log.warning("no news from the store", reason=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)

    def close(self) -> None:
        """End all waiting."""
        self.closing = True
        self._wake_all()

    def _wake(self, job_id: str) -> None:
        for watch in self._watches.get(job_id, ()):
            watch.wake()

    def _wake_all(self) -> None:
        for job_id in self._watches:
            self._wake(job_id)


async def while_connected(request: Request, work: Coroutine[Any, Any, T]) -> T:
    """The result of `work`, which is cancelled if the client goes away.

    Raises:
        ClientDisconnect: the client went away.
    """
    working = asyncio.ensure_future(work)
    leaving = asyncio.ensure_future(_disconnected(request))
    try:
        await asyncio.wait({working, leaving}, return_when=asyncio.FIRST_COMPLETED)
        if working.done():
            return working.result()
        raise ClientDisconnect
    finally:
        await stop(working, leaving)


async def _disconnected(request: Request) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
