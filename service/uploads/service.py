"""What can be done with uploads. Endpoints translate between this and HTTP."""

import asyncio
import base64
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import TypeVar, TypeVarTuple

import anyio.to_thread
from anyio import CancelScope, CapacityLimiter

from service.contract.errors import FieldProblem
from service.contract.upload import UploadKind
from service.problems import InsufficientStorageError, InvalidRequestProblem
from service.store import upload_commands
from service.store.artifacts import ArtifactStore, new_upload_name
from service.store.errors import InvalidCursorError
from service.store.ids import is_upload_id
from service.store.incoming import IncomingFile
from service.store.jobs import JobStore
from service.store.records import Registration, UploadKey, UploadPage, UploadRecord
from service.store.settings import StoreSettings
from service.uploads.digests import check_digests
from service.uploads.errors import EmptyUploadError, UploadInUseError, UploadNotFoundError, has_no_room
from service.uploads.receiving import write_all

_THREADS = 4
"""Files that are written to at once; more would make no disk faster."""

T = TypeVar("T")
Ts = TypeVarTuple("Ts")


class UploadService:
    """Uploads as a client sees them. Their content is hashed and stored, never looked at."""

    def __init__(self, store: JobStore, artifacts: ArtifactStore, *, policy: StoreSettings) -> None:
        self._store = store
        self._artifacts = artifacts
        self._policy = policy
        self._threads = CapacityLimiter(_THREADS)

    async def receive(
        self, kind: UploadKind, body: AsyncIterator[bytes], digests: dict[str, str]
    ) -> Registration:
        """Keep the file that `body` is. If this raises, nothing of it stays, but see `_keep`.

        Args:
            digests: SHA-256 in base64 that it must have, by the header that says so.

        Raises:
            EmptyUploadError, DigestMismatchError, InsufficientStorageError: as they say; and what `body`
                raises.
        """
        async with self._incoming() as file:
            await write_all(body, file, self._threads)
            if file.size == 0:
                raise EmptyUploadError("send the file itself as the body")
            check_digests(digests, base64.b64encode(bytes.fromhex(file.sha256)).decode())
            return await self._keep(kind, file)

    async def read(self, kind: UploadKind, upload_id: str) -> UploadRecord:
        """An upload as it is now.

        Raises:
            UploadNotFoundError: it is not kept.
        """
        command = upload_commands.read_upload(upload_id, kind)
        record = await self._store.execute(command) if is_upload_id(upload_id) else None
        if record is None:
            raise _not_found(kind, upload_id)
        return record

    async def page(self, kind: UploadKind, limit: int, after: str | None) -> UploadPage:
        """A page of uploads, newest first.

        Raises:
            InvalidRequestProblem: `after` is no cursor.
        """
        try:
            command = upload_commands.list_uploads(kind, limit, after)
        except InvalidCursorError:
            detail = "not a cursor of this list: give `next_cursor` of the page before"
            raise InvalidRequestProblem.of([FieldProblem(parameter="after", detail=detail)]) from None
        return await self._store.execute(command)

    async def delete(self, kind: UploadKind, upload_id: str) -> None:
        """Remove an upload, and its file unless that has another purpose as well.

        Raises:
            UploadNotFoundError, UploadInUseError: as they say.
        """
        record = await self.read(kind, upload_id)
        removal = await self._store.execute(upload_commands.delete_upload(UploadKey(kind, upload_id)))
        if removal.outcome == "in_use":
            jobs = f"{record.jobs} jobs that are" if record.jobs > 1 else "a job that is"
            raise UploadInUseError(f"{jobs} not final yet need it; cancel them or wait for their end")
        if removal.artifact is not None:
            await self._in_thread(self._artifacts.delete, removal.artifact)

    @asynccontextmanager
    async def _incoming(self) -> AsyncIterator[IncomingFile]:
        """A file that is gone after the block, unless it was kept in it."""
        file = await self._in_thread(self._artifacts.incoming)
        try:
            yield file
        except asyncio.CancelledError:
            file.discard()  # at once: the process is about to end, and would not wait for a thread
            raise
        except OSError as error:
            if has_no_room(error):
                raise InsufficientStorageError("the service has no room for this file") from error
            raise
        finally:
            with CancelScope(shield=True):
                await self._in_thread(file.discard)

    async def _keep(self, kind: UploadKind, file: IncomingFile) -> Registration:
        """Name the file and register it.

        If the store does not answer, the file stays: its record may be there. If it is not, the reaper finds
        the file.
        """
        name = new_upload_name(file.sha256)
        await self._in_thread(self._artifacts.keep, file, name)
        registration = await self._register(UploadKey(kind, f"sha256:{file.sha256}"), name, file.size)
        if registration.record.artifact != name:
            await self._in_thread(self._artifacts.delete, name)
        return registration

    async def _register(self, key: UploadKey, name: str, size: int) -> Registration:
        registration = await self._store.execute(
            upload_commands.register_upload(key, name, size, self._policy)
        )
        kept = registration.record.artifact
        if await self._in_thread(self._artifacts.path, kept) is None:  # somebody cleaned up by hand
            command = upload_commands.register_upload(key, name, size, self._policy, lost=kept)
            registration = await self._store.execute(command)
        return registration

    async def _in_thread(self, work: Callable[[*Ts], T], *arguments: *Ts) -> T:
        return await anyio.to_thread.run_sync(work, *arguments, limiter=self._threads)


def _not_found(kind: UploadKind, upload_id: str) -> UploadNotFoundError:
    return UploadNotFoundError(f"there is no {kind} {upload_id[:80]!r}")
