"""Files of jobs, in a folder that front and workers share."""

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from service.store.errors import InvalidArtifactNameError
from service.store.ids import is_job_id

_SEGMENT = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")  # no "..", no hidden file, no absolute path
_MAX_SEGMENTS = 6
_JOBS = "jobs"


def trace_name(job_id: str, attempt: int, suffix: str = ".npz") -> str:
    """Where an attempt's trace is kept; one name per attempt, so that a stale one overwrites nothing."""
    return f"{_JOBS}/{job_id}/trace-{attempt}{suffix}"


class ArtifactStore:
    """Files under names such as `jobs/{id}/trace-1.npz`. A name holds a whole file or none."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def put_file(self, name: str, source: Path) -> Path:
        """Copy `source` to `name`, replacing what was there; readers see the old file or the new one.

        On disk once this returns (fsync), so a job that says it has a trace has it, also after a power cut.

        Raises:
            InvalidArtifactNameError: `name` is not a plain relative name.
        """
        target = self._resolve(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f".{target.name}.{secrets.token_hex(4)}.partial")
        try:
            with source.open("rb") as reader, partial.open("xb") as writer:
                shutil.copyfileobj(reader, writer, 1 << 20)
                writer.flush()
                os.fsync(writer.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
        _sync_folder(target.parent)
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

    def _resolve(self, name: str) -> Path:
        segments = name.split("/")
        if len(segments) > _MAX_SEGMENTS or not all(_SEGMENT.fullmatch(segment) for segment in segments):
            raise InvalidArtifactNameError(f"not an artifact name: {name!r}")
        return self._root.joinpath(*segments)


def _sync_folder(folder: Path) -> None:
    """A rename is durable only once its folder is on disk."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
