"""Every transition of an upload, each one atomic Lua script; as `commands`, which tells what holds for all.

An upload stays while an unfinished job uses it, and for a time after the last such job or upload. `submit`
counts a job in, the transition to a final state counts it off.
"""

from collections.abc import Collection, Sequence
from typing import Any

from service.contract.upload import UploadKind
from service.store import decoding
from service.store.command import Command, load_script, milliseconds
from service.store.ids import cursor_after_upload, upload_entry_of_cursor
from service.store.records import Registration, UploadKey, UploadPage, UploadRecord, UploadRemoval
from service.store.settings import StoreSettings

_FIELDS = ("size_bytes", "created_at", "expires_at", "jobs", "file")


def register_upload(
    key: UploadKey, artifact: str, size_bytes: int, settings: StoreSettings, *, lost: str = ""
) -> Command[Registration]:
    """Keep the record of an upload whose file is in the artifact store, as `artifact`.

    If the same content is known, for whatever purpose, its record's file stays the only one: the answer names
    it, and `artifact` can go. `lost` is a file that records name but that is not there: they name the new one
    from now on.
    """
    retention_ms = milliseconds(settings.upload_retention_seconds)
    args = (key.kind.value, key.id, artifact, size_bytes, retention_ms, lost, *_FIELDS)
    return Command(load_script("register_upload"), args, _registration)


def read_upload(upload_id: str, kind: UploadKind) -> Command[UploadRecord | None]:
    """An upload; None if it is not kept. For a job that uses it, it is kept until the job is final."""
    args = (str(UploadKey(kind, upload_id)), *_FIELDS)
    return Command(load_script("read_upload"), args, _optional_record)


def list_uploads(kind: UploadKind, limit: int, after: str | None = None) -> Command[UploadPage]:
    """A page of uploads of a kind, newest first; pages go by upload, not by position.

    Raises:
        InvalidCursorError: `after` is no cursor of ours.
    """
    if limit < 1:
        raise ValueError("a page has at least one upload")
    before = "" if after is None else upload_entry_of_cursor(after)
    return Command(load_script("list_uploads"), (kind.value, limit, before, *_FIELDS), _page)


def delete_upload(key: UploadKey) -> Command[UploadRemoval]:
    """Forget an upload that no unfinished job uses; the answer names its file, if that can go as well."""
    return Command(load_script("delete_upload"), (str(key),), _removal)


def expire_uploads(batch: int) -> Command[list[UploadRemoval]]:
    """Forget at most `batch` uploads whose time is over."""
    return Command(load_script("expire_uploads"), (batch,), _expired)


def unnamed_files(files: Collection[tuple[str, str]]) -> Command[list[str]]:
    """Those of the artifacts that no record names. `files`: pairs of an upload's id and an artifact of it."""
    args = tuple(part for file in files for part in file)
    return Command(load_script("unnamed_files"), args, list)


def _record(row: Sequence[Any]) -> UploadRecord:
    upload, (size_bytes, created_at, expires_at, jobs, file) = row
    kind, _, upload_id = upload.partition(":")
    return UploadRecord(
        id=upload_id,
        kind=UploadKind(kind),
        size_bytes=int(size_bytes),
        created_at=decoding.time(created_at),
        expires_at=decoding.time(expires_at),
        jobs=int(jobs),
        artifact=file,
    )


def _optional_record(reply: Sequence[Any] | None) -> UploadRecord | None:
    return None if reply is None else _record(reply)


def _registration(reply: Sequence[Any]) -> Registration:
    outcome, *row = reply
    return Registration(outcome, _record(row))


def _removal(reply: Sequence[Any]) -> UploadRemoval:
    outcome, *file = reply
    return UploadRemoval(outcome, (file[0] or None) if file else None)


def _expired(reply: Sequence[str]) -> list[UploadRemoval]:
    return [UploadRemoval("deleted", file or None) for file in reply]


def _page(reply: Sequence[Any]) -> UploadPage:
    more, last, rows = bool(reply[0]), reply[1], reply[2]
    return UploadPage(tuple(map(_record, rows)), more, cursor_after_upload(last) if more else None)
