"""What can be done with jobs. Endpoints translate between this and HTTP."""

import asyncio
from collections.abc import Callable
from pathlib import Path

import anyio.to_thread

from service.contract.errors import FieldProblem, JobError
from service.contract.job import JobRequest, JobState
from service.contract.planning import SizeLimits, plan_ahead
from service.dispatch import Dispatcher
from service.jobs.errors import (
    ArtifactMissingError,
    JobFailedError,
    JobFinishedError,
    JobGoneError,
    JobNotFinalError,
    JobNotFoundError,
    KeyReusedError,
    QueueFullError,
    TraceMissingError,
)
from service.jobs.uploads import missing_uploads, used_uploads
from service.jobs.waiting import ChangeFeed
from service.problems import InvalidRequestProblem
from service.store import commands
from service.store.artifacts import NETWORK_FILES, ArtifactStore, network_name, trace_name
from service.store.errors import InvalidCursorError, StoreUnavailableError
from service.store.ids import is_job_id, new_job_id
from service.store.jobs import JobStore
from service.store.records import JobRecord, NewJob, Page, Tombstone
from service.store.settings import StoreSettings

ANONYMOUS = "anonymous"
"""The caller, as long as there are no API keys."""
REREAD_SECONDS = 5.0
"""Who waits looks at least this often, for news can be lost."""
RETRY_SECONDS = 0.2
"""Pause before asking a store that did not answer."""


class JobService:
    """Jobs as a client sees them."""

    def __init__(
        self,
        store: JobStore,
        changes: ChangeFeed,
        dispatcher: Dispatcher,
        artifacts: ArtifactStore,
        *,
        policy: StoreSettings,
        sizes: SizeLimits,
    ) -> None:
        self._store = store
        self._changes = changes
        self._dispatcher = dispatcher
        self._artifacts = artifacts
        self._policy = policy
        self._sizes = sizes

    async def submit(
        self, request: JobRequest, idempotency_key: str | None, body_hash: str
    ) -> tuple[str, bool]:
        """Accept a job; its id, and whether it is an earlier one with the same key.

        Raises:
            InvalidRequestError: the network cannot be built, or not for this data.
            InvalidRequestProblem: a file that it names is not kept.
            KeyReusedError, QueueFullError: as they say.
        """
        plan = plan_ahead(request, self._sizes)
        job = NewJob(
            id=new_job_id(),
            request_json=request.model_dump_json(),
            expanded_json=plan.expanded().model_dump_json() if plan else "null",
            caller=ANONYMOUS,
            idempotency_key=idempotency_key,
            body_hash=body_hash,
            uploads=tuple(used_uploads(request)),
        )
        submission = await self._store.execute(commands.submit(job, self._policy))
        if submission.outcome == "conflict":
            raise KeyReusedError(f"it belongs to {submission.job_id}; take a new key for a new request")
        if submission.missing:
            raise missing_uploads(request, submission.missing)
        if submission.job_id is None:
            raise QueueFullError
        if submission.outcome == "created":
            await self._dispatcher.send(job.id, request.device)
        return submission.job_id, submission.outcome == "replayed"

    async def read(self, job_id: str) -> JobRecord:
        """A job as it is now.

        Raises:
            JobNotFoundError, JobGoneError: as they say.
        """
        found = await self._store.execute(commands.read(job_id)) if is_job_id(job_id) else None
        if found is None:
            raise JobNotFoundError(f"there is no job {job_id[:64]!r}")
        if isinstance(found, Tombstone):
            raise JobGoneError(found.kind, found.removed_at)
        return found

    async def wait(self, job_id: str, seconds: float, enough: Callable[[JobRecord], bool]) -> JobRecord:
        """A job once it is as wished, or as it is after `seconds`. Waits out short outages of the store."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + seconds
        with self._changes.watch(job_id) as news:
            while True:
                record = await self._read_patiently(job_id, deadline)
                left = deadline - loop.time()
                if left <= 0 or self._changes.closing or enough(record):
                    return record
                await news.wait(min(left, REREAD_SECONDS))

    async def page(self, status: JobState | None, limit: int, after: str | None) -> Page:
        """A page of jobs, newest first.

        Raises:
            InvalidRequestProblem: `after` is no cursor.
        """
        try:
            command = commands.list_page(status, limit, after)
        except InvalidCursorError:
            detail = "not a cursor of this service: give `next_cursor` of the page before"
            raise InvalidRequestProblem.of([FieldProblem(parameter="after", detail=detail)]) from None
        return await self._store.execute(command)

    async def cancel(self, job_id: str) -> JobRecord:
        """Stop a job; the job as it then is.

        Raises:
            JobFinishedError: it came to its end before.
        """
        record = await self.read(job_id)
        if await self._store.execute(commands.cancel(job_id)) == "finished":
            raise JobFinishedError(f"the job is {record.status}; there is nothing to cancel")
        return await self.read(job_id)

    async def delete(self, job_id: str) -> None:
        """Remove a final job and its files.

        Raises:
            JobNotFinalError: it is not final.
        """
        record = await self.read(job_id)
        if await self._store.execute(commands.delete(job_id)) == "not_final":
            raise JobNotFinalError(record.status, "cancel it first")
        await anyio.to_thread.run_sync(self._artifacts.delete_job, job_id)

    async def diagnosed(self, job_id: str) -> JobRecord:
        """A final job with a diagnosis.

        Raises:
            JobNotFinalError, JobFailedError: there is no diagnosis yet, or never will be.
        """
        record = await self._with_diagnosis(job_id)
        if not record.status.final:
            raise JobNotFinalError(
                record.status,
                "its remedies are being tried, and what is known so far is in the job's `diagnosis`",
            )
        return record

    async def _with_diagnosis(self, job_id: str) -> JobRecord:
        """A job whose network was diagnosed, though remedies may still be tried."""
        record = await self.read(job_id)
        if record.diagnosis_json is None:
            if not record.status.final:
                raise JobNotFinalError(record.status, "its diagnosis is not there yet")
            raise JobFailedError(_why_it_has_no_diagnosis(record))
        return record

    async def trace(self, job_id: str, suffix: str) -> Path:
        """The file of a job's measurements.

        Raises:
            TraceMissingError: and what `diagnosed` raises, if there is no diagnosis at all.
        """
        record = await self._with_diagnosis(job_id)
        path = await anyio.to_thread.run_sync(
            self._artifacts.path, trace_name(job_id, record.traced_by, suffix)
        )
        if path is None:
            raise TraceMissingError("the job's measurements are not kept here")
        return path

    async def artifact(self, job_id: str, file: str) -> Path:
        """One of the files of the prescribed network.

        Raises:
            ArtifactMissingError: and what `diagnosed` raises.
        """
        await self.diagnosed(job_id)
        found = None
        if file in NETWORK_FILES:
            found = await anyio.to_thread.run_sync(self._artifacts.path, network_name(job_id, file))
        if found is None:
            known = " or ".join(NETWORK_FILES)
            raise ArtifactMissingError(
                f"the job has no {file[:64]!r}; a prescription's `files` names what there is: {known}"
            )
        return found

    async def _read_patiently(self, job_id: str, deadline: float) -> JobRecord:
        while True:
            try:
                return await self.read(job_id)
            except StoreUnavailableError:
                if self._changes.closing or asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(RETRY_SECONDS)


def _why_it_has_no_diagnosis(record: JobRecord) -> str:
    if record.error_json is None:
        return f"the job is {record.status}"
    error = JobError.model_validate_json(record.error_json)
    return f"the job failed with {error.code}: {error.detail}"
