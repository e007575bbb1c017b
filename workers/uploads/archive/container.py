"""A sender's zip archive: opened only if its structure is plain, and read within bounds."""

import encodings.cp437  # noqa: F401 - zipfile asks for it when it reads names; a confined process may not find it then
import struct
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import PurePosixPath
from typing import IO, BinaryIO

from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

MAX_BYTES = 4 * 2**30
"""Most bytes of an archive, and of all that it holds once unpacked."""
MAX_ENTRIES = 20_000
MAX_DIRECTORY_BYTES = 4 * 2**20
"""Most bytes of the table of contents, which is read as a whole."""
MAX_NAME_LENGTH = 512
CHUNK = 2**20
"""Bytes unpacked at a time."""

_END = struct.Struct("<4s4H2LH")
"""The end record of a zip archive (APPNOTE.TXT, §4.3.16)."""
_LOCATOR_SIZE = 20
_LARGE_END = struct.Struct("<4sQ2H2L4Q")
"""The end record of a zip64 archive (§4.3.14)."""
_LOCAL_HEADER_SIZE = 30
_ENCRYPTED = 1
_COMPRESSIONS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)


@dataclass(frozen=True)
class Container:
    """An archive whose table of contents has been checked: every name is plain and stands once, no two
    entries share bytes, and together they are not too large."""

    _zip: zipfile.ZipFile
    _entries: dict[str, zipfile.ZipInfo]

    @property
    def names(self) -> list[str]:
        """The entries, in the order of the table of contents."""
        return list(self._entries)

    def size(self, name: str) -> int:
        """Bytes of an entry once unpacked."""
        return self._entries[name].file_size

    def is_stored(self, name: str) -> bool:
        """Whether an entry lies in the archive as it is, not compressed."""
        return self._entries[name].compress_type == zipfile.ZIP_STORED

    def chunks(self, name: str) -> Iterator[bytes]:
        """The content of an entry, piece by piece: exactly as many bytes as `size` says.

        Raises InvalidUploadError if it is damaged.
        """
        with (
            _damage_reported(f'the entry "{name}" is damaged'),
            self._zip.open(self._entries[name]) as stream,
        ):
            yield from _pieces(stream, self.size(name))

    def read(self, name: str, at_most: int) -> bytes:
        """The content of an entry. Raises UnsafeUploadError if it is larger than it may be."""
        size = self.size(name)
        if size > at_most:
            raise UnsafeUploadError(
                f'the entry "{name}" would unpack to {size:,} bytes; the most is {at_most:,}'
            )
        return b"".join(self.chunks(name))


@contextmanager
def open_container(file: BinaryIO, max_bytes: int = MAX_BYTES) -> Iterator[Container]:
    """Open a zip archive of at most `max_bytes`, packed and unpacked.

    Raises InvalidUploadError if it is none or is damaged, and UnsafeUploadError if it is made to mislead.
    """
    size = file.seek(0, 2)
    if size > max_bytes:
        raise InvalidUploadError(f"the file has {size:,} bytes; the most is {max_bytes:,}")
    _check_directory_size(file, size)
    with _damage_reported("the file is not a zip archive, or it is cut off"):
        archive = zipfile.ZipFile(file)
    with archive:
        yield Container(archive, _checked(archive, max_bytes))


def _pieces(stream: IO[bytes], size: int) -> Iterator[bytes]:
    left = size
    while left > 0:
        piece = stream.read(min(CHUNK, left))
        if not piece:
            raise EOFError
        left -= len(piece)
        yield piece
    if stream.read(1):  # also has the checksum compared
        raise zipfile.BadZipFile("longer than it says")


@contextmanager
def _damage_reported(detail: str) -> Iterator[None]:
    damage = (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        NotImplementedError,
        struct.error,
    )
    try:
        yield
    except damage as error:
        raise InvalidUploadError(f"{detail} ({error or 'it ends too early'})") from error


def _check_directory_size(file: BinaryIO, size: int) -> None:
    """Before `zipfile` reads the table of contents as a whole, and makes an object of each entry."""
    tail_size = min(size, _END.size + 2**16 + _LOCATOR_SIZE + _LARGE_END.size)
    file.seek(size - tail_size)
    tail = file.read(tail_size)
    at = tail.rfind(b"PK\5\6")
    if at < 0 or at + _END.size > len(tail):
        raise InvalidUploadError("the file is not a zip archive, or it is cut off")
    _, _, _, _, entries, directory_bytes, _, _ = _END.unpack_from(tail, at)
    large_at = at - _LOCATOR_SIZE - _LARGE_END.size
    if tail[at - _LOCATOR_SIZE : at].startswith(b"PK\6\7"):  # its numbers replace those of the plain record
        if large_at < 0 or not tail.startswith(b"PK\6\6", large_at):
            raise InvalidUploadError("the archive's zip64 record is damaged")
        _, _, _, _, _, _, _, entries, directory_bytes, _ = _LARGE_END.unpack_from(tail, large_at)
    if directory_bytes > MAX_DIRECTORY_BYTES:
        raise UnsafeUploadError(
            f"the archive's table of contents has {directory_bytes:,} bytes; "
            f"the most is {MAX_DIRECTORY_BYTES:,}"
        )
    _check_count(entries)


def _check_count(entries: int) -> None:
    if entries > MAX_ENTRIES:
        raise UnsafeUploadError(f"the archive has {entries:,} entries; the most is {MAX_ENTRIES:,}")


def _checked(archive: zipfile.ZipFile, max_bytes: int) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    _check_count(len(infos))
    entries: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        _check_entry(info)
        if info.filename in entries:
            raise UnsafeUploadError(f'the archive has two entries with the name "{info.filename}"')
        entries[info.filename] = info
    unpacked = sum(info.file_size for info in infos)
    if unpacked > max_bytes:
        raise UnsafeUploadError(f"the archive would unpack to {unpacked:,} bytes; the most is {max_bytes:,}")
    _check_overlaps(infos, archive.start_dir)
    return entries


def _check_entry(info: zipfile.ZipInfo) -> None:
    name = info.filename
    if len(name) > MAX_NAME_LENGTH or not name.isprintable() or not _is_plain(info.orig_filename):
        raise UnsafeUploadError(f"the archive has an entry whose name is no plain path: {name[:100]!r}")
    if info.flag_bits & _ENCRYPTED:
        raise InvalidUploadError(f'the entry "{name}" is encrypted')
    if info.compress_type not in _COMPRESSIONS:
        raise InvalidUploadError(f'the entry "{name}" is compressed in a way that is not supported')
    if info.compress_type == zipfile.ZIP_STORED and info.file_size != info.compress_size:
        raise UnsafeUploadError(f'the entry "{name}" is not as large as it says')


def _is_plain(name: str) -> bool:
    parts = PurePosixPath(name).parts
    return "\\" not in name and "\0" not in name and not name.startswith("/") and ".." not in parts


def _check_overlaps(infos: list[zipfile.ZipInfo], directory_at: int) -> None:
    """Entries that share bytes unpack to far more than the archive holds."""
    ordered = sorted(infos, key=lambda info: info.header_offset)
    ends = [*(info.header_offset for info in ordered), directory_at][1:]
    for info, end in zip(ordered, ends, strict=True):
        if info.header_offset + _LOCAL_HEADER_SIZE + info.compress_size > end:
            raise UnsafeUploadError(f'the entry "{info.filename}" overlaps with another one')
