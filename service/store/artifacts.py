"""Files of jobs, and uploads, in a folder that front and workers share."""

import os
import re
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from service.store.errors import InvalidArtifactNameError
from service.store.ids import is_job_id, is_upload_id
from service.store.incoming import IncomingFile, sync_folder

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # no "..", no hidden file, no absolute path
_MAX_SEGMENTS = 6
_JOBS = "jobs"
_UPLOADS = "uploads"
_INCOMING = ".incoming"  # hidden: no artifact's name
_TOKEN_BYTES = 8


NETWORK_FILES = ("network.safetensors", "network.pt2")
"""What is kept of a prescribed network: its weights, and the network itself as `torch.export` writes it."""


def network_name(job_id: str, file: str) -> str:
    """Where one of a job's NETWORK_FILES is kept."""
    return f"{_JOBS}/{job_id}/{file}"


def trace_name(job_id: str, attempt: int, suffix: str = ".npz") -> str:
    """Where an attempt's trace is kept; one name per attempt, so that a stale one overwrites nothing."""
    return f"{_JOBS}/{job_id}/trace-{attempt}{suffix}"


def new_upload_name(sha256: str) -> str:
    """Where an upload is to be kept; another name each time, so that deleting an old copy of a content never
    deletes a new one."""
    return f"{_UPLOADS}/{sha256}/{secrets.token_hex(_TOKEN_BYTES)}"


class ArtifactStore:
    """Files under names such as `jobs/{id}/trace-1.npz` and `uploads/{sha256}/{token}`. A name holds a whole
    file or none."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, name: str, source: Path) -> Path:
        """Copy the file at `source` to `name`, as `put` does."""
        with source.open("rb") as reader:
            return self.put(name, reader)

    def put(self, name: str, reader: BinaryIO) -> Path:
        """Copy what is left to read to `name`, replacing what was there; others see the old or the new file.

        On disk once this returns (fsync), so a job that says it has a trace has it, also after a power cut.

        Raises:
            InvalidArtifactNameError: `name` is not a plain relative name.
        """
        target = self._resolve(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        try:
            with partial.open("xb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
                writer.flush()
                os.fsync(writer.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        sync_folder(target.parent)
        return target

    def path(self, name: str) -> Path | None:
        """The file of that name, or None if there is none.

        Raises:
            InvalidArtifactNameError: `name` is not a plain relative name.
        """
        target = self._resolve(name)
        return target if target.is_file() else None

    def delete_job(self, job_id: str) -> None:
        """Delete all files of a job; none is fine.

        Raises:
            InvalidArtifactNameError: `job_id` is no job id.
        """
        if not is_job_id(job_id):
            raise InvalidArtifactNameError(f"not a job id: {job_id!r}")
        with suppress(FileNotFoundError):
            shutil.rmtree(self._root / _JOBS / job_id)

    def job_ids(self) -> Iterator[str]:
        """The jobs that have files: ask `commands.unknown` which of them may go."""
        with suppress(FileNotFoundError):
            yield from (entry.name for entry in (self._root / _JOBS).iterdir() if is_job_id(entry.name))

    def incoming(self) -> IncomingFile:
        """A new file, to be written and then to be kept by `keep`."""
        return IncomingFile(self._root / _INCOMING)

    def keep(self, file: IncomingFile, name: str) -> None:
        """Give a file that has arrived its name."""
        file.keep(self._resolve(name))

    def delete(self, name: str) -> None:
        """Delete a file, and its folder with the last one; none is fine.

        Raises:
            InvalidArtifactNameError: `name` is not a plain relative name.
        """
        target = self._resolve(name)
        target.unlink(missing_ok=True)
        with suppress(OSError):
            target.parent.rmdir()

    def old_uploads(self, seconds: float) -> list[tuple[str, str]]:
        """Uploads that were written at least `seconds` ago: pairs of id and artifact name. Ask
        `upload_commands.unnamed_files` which of them may go; younger ones may not have a record yet."""
        folder = self._root / _UPLOADS
        files = [file for file in folder.glob("*/*") if _is_untouched_since(file, seconds)]
        pairs = [(f"sha256:{file.parent.name}", file.relative_to(self._root).as_posix()) for file in files]
        return [(upload, name) for upload, name in pairs if is_upload_id(upload) and _is_name(name)]

    def delete_old_incoming(self, seconds: float) -> int:
        """Delete files that began to arrive and were not written to for `seconds`: their process is gone.
        Gives their number."""
        folder = self._root / _INCOMING
        old = [file for file in folder.glob("*") if _is_untouched_since(file, seconds)]
        for file in old:
            file.unlink(missing_ok=True)
        return len(old)

    def _resolve(self, name: str) -> Path:
        if not _is_name(name):
            raise InvalidArtifactNameError(f"not an artifact name: {name!r}")
        return self._root.joinpath(*name.split("/"))


def _is_name(text: str) -> bool:
    segments = text.split("/")
    return len(segments) <= _MAX_SEGMENTS and all(_SEGMENT.fullmatch(segment) for segment in segments)


def _is_untouched_since(file: Path, seconds: float) -> bool:
    try:
        return time.time() - file.stat().st_mtime >= seconds
    except FileNotFoundError:
        return False
