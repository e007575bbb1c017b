"""Looking after jobs and uploads that nobody looks after. Any number of API processes may do it at once."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from functools import partial

import anyio.to_thread
import structlog

from service.background import Duty
from service.dispatch import QUEUES, Dispatcher
from service.jobs.documents import requested_device
from service.store import commands, upload_commands
from service.store.artifacts import ArtifactStore
from service.store.errors import StoreError
from service.store.jobs import JobStore
from service.store.records import JobRecord
from service.store.settings import StoreSettings
from service.store.trial_commands import job_of

REAP_SECONDS = 1.0
EXPIRE_SECONDS = 60.0
SWEEP_SECONDS = 3600.0
_EXPIRE_BATCH = 100
_SWEEP_BATCH = 500
ABANDONED_SECONDS = 3600.0
"""A file without a record is taken for forgotten once it was not written to for so long: much longer than an
upload may pause, or than it takes from its last byte to its record."""

log = structlog.get_logger("service.reaper")


class Reaper:
    """Sends lost messages again, ends what lost its worker, and removes what is old."""

    def __init__(
        self, store: JobStore, dispatcher: Dispatcher, artifacts: ArtifactStore, settings: StoreSettings
    ) -> None:
        self._store = store
        self._dispatcher = dispatcher
        self._artifacts = artifacts
        self._settings = settings

    def duties(self) -> tuple[Duty, ...]:
        """Its steps, each again and again. Side by side: a slow sweep must hold up no reaping."""
        rhythm = (
            (self.reap, REAP_SECONDS),
            (self.expire, EXPIRE_SECONDS),
            (self.expire_uploads, EXPIRE_SECONDS),
            (self.sweep, SWEEP_SECONDS),
            (self.sweep_uploads, SWEEP_SECONDS),
        )
        return tuple(partial(_repeat, step, seconds) for step, seconds in rhythm)

    async def reap(self) -> None:
        """Send a message for every job and every trial that needs one."""
        for unit in await self._store.execute(commands.reap(self._settings, QUEUES)):
            record = await self._store.execute(commands.read(job_of(unit)))
            if isinstance(record, JobRecord):
                sent = await self._dispatcher.send(unit, requested_device(record.request_json))
                log.info("message sent again", unit=unit, sent=sent)

    async def expire(self) -> None:
        """Remove jobs whose time is over, and their files."""
        expired = [""] * _EXPIRE_BATCH
        while len(expired) == _EXPIRE_BATCH:
            expired = await self._store.execute(commands.expire(_EXPIRE_BATCH))
            await self._delete_files(expired)

    async def expire_uploads(self) -> None:
        """Remove uploads whose time is over, and their files."""
        removed = _EXPIRE_BATCH
        while removed == _EXPIRE_BATCH:
            removals = await self._store.execute(upload_commands.expire_uploads(_EXPIRE_BATCH))
            await self._delete_uploads([removal.artifact for removal in removals if removal.artifact])
            removed = len(removals)

    async def sweep(self) -> None:
        """Delete files of jobs that are no more: who removed such a job died before its files were gone."""
        job_ids = await anyio.to_thread.run_sync(lambda: list(self._artifacts.job_ids()))
        for start in range(0, len(job_ids), _SWEEP_BATCH):
            orphans = await self._store.execute(commands.unknown(job_ids[start : start + _SWEEP_BATCH]))
            await self._delete_files(orphans)

    async def sweep_uploads(self) -> None:
        """Delete uploads that broke off or have no record: the process that should have done so died."""
        broken_off = await anyio.to_thread.run_sync(self._artifacts.delete_old_incoming, ABANDONED_SECONDS)
        if broken_off:
            log.info("broken-off uploads removed", files=broken_off)
        files = await anyio.to_thread.run_sync(self._artifacts.old_uploads, ABANDONED_SECONDS)
        for start in range(0, len(files), _SWEEP_BATCH):
            command = upload_commands.unnamed_files(files[start : start + _SWEEP_BATCH])
            await self._delete_uploads(await self._store.execute(command))

    async def _delete_uploads(self, names: list[str]) -> None:
        for name in names:
            await anyio.to_thread.run_sync(self._artifacts.delete, name)
            log.info("upload removed", file=name)

    async def _delete_files(self, job_ids: list[str]) -> None:
        for job_id in job_ids:
            await anyio.to_thread.run_sync(self._artifacts.delete_job, job_id)
            log.info("job removed", job=job_id)


async def _repeat(step: Callable[[], Awaitable[None]], seconds: float) -> None:
    """Do it again and again, whatever happens; at uneven times, so that processes do not march in step."""
    while True:
        try:
            await step()
        except StoreError as error:
            log.warning("reaper waits for the store", reason=str(error))
        except Exception:
            log.exception("reaper step failed")
        await asyncio.sleep(seconds * random.uniform(0.8, 1.2))
