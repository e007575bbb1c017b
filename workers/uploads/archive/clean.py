"""An archive checked as a whole, and written anew."""

import re
import zipfile
from io import BytesIO
from typing import BinaryIO

from workers.uploads.archive.container import MAX_BYTES, Container, open_container
from workers.uploads.archive.pickles import check_pickle
from workers.uploads.archive.source import MAX_CODE_BYTES, check_sources
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

MAX_PICKLE_BYTES = 16 * 2**20
MAX_NOTE_BYTES = 64
"""Most bytes of the small records: versions and the order of bytes."""

_RECORD = re.compile(r"(data|constants)/(\d{1,9})", re.ASCII)
_CODE = re.compile(r"code/[\w./]+\.py", re.ASCII)
_NOTES = {
    "version": re.compile(rb"\d{1,4}\n?"),
    ".data/version": re.compile(rb"\d{1,4}\n?"),
    "byteorder": re.compile(rb"little"),
}
"""Small records that torch reads, and what they may say. `.data/version` is how newer archives write
theirs."""
_PICKLES = {"data.pkl": "data", "constants.pkl": "constants"}
"""The pickles, and where the tensors lie that they refer to."""


def clean_torchscript(file: BinaryIO, max_bytes: int = MAX_BYTES) -> bytes:
    """Check a TorchScript archive without torch; give a new archive that torch can read.

    The new one has what the network needs, in plain form: code, pickles and tensors, nothing compressed, no
    debug information, no extra files. `max_bytes` bounds the file, and what it unpacks to.

    Raises InvalidUploadError if it is no TorchScript archive, is damaged or too large, and UnsafeUploadError
    if it is made to do harm while it is read, for instance by code that runs at loading or sizes that are not
    true.
    """
    with open_container(file, max_bytes) as container:
        entries = _wanted(container)
        _check_notes(container, entries)
        _check_pickles(container, entries)
        codes = [short for short in entries if _CODE.fullmatch(short)]
        if sum(container.size(entries[code]) for code in codes) > MAX_CODE_BYTES:
            raise UnsafeUploadError(f"the archive has more than {MAX_CODE_BYTES:,} bytes of code")
        check_sources((code, container.read(entries[code], MAX_CODE_BYTES)) for code in codes)
        return _rewritten(container, entries)


def _wanted(container: Container) -> dict[str, str]:
    """The entries that torch reads: from the name within the archive's one folder to the full name."""
    folders = {name.split("/", 1)[0] for name in container.names}
    if len(folders) != 1:
        raise InvalidUploadError("this is no TorchScript archive: its entries are not in one folder")
    short = {name.split("/", 1)[1]: name for name in container.names if "/" in name}
    entries = {key: name for key, name in short.items() if _is_wanted(key)}
    if "archive_format" in short and "data.pkl" not in short:
        raise InvalidUploadError('this is a .pt2 archive: name it with "kind": "exported"')
    if "data.pkl" not in entries or not any(_CODE.fullmatch(key) for key in entries):
        raise InvalidUploadError(
            "this is no TorchScript archive: it has no code. "
            "A state_dict or a pickled module (torch.save) holds no graph; save it with torch.jit.save"
        )
    for key, name in entries.items():
        if _RECORD.fullmatch(key) and not container.is_stored(name):
            raise UnsafeUploadError(f'the tensor record "{name}" is compressed; torch never does that')
    return entries


def _is_wanted(key: str) -> bool:
    return key in _NOTES or key in _PICKLES or bool(_RECORD.fullmatch(key) or _CODE.fullmatch(key))


def _check_notes(container: Container, entries: dict[str, str]) -> None:
    for key, pattern in _NOTES.items():
        if key in entries and not pattern.fullmatch(container.read(entries[key], MAX_NOTE_BYTES)):
            raise InvalidUploadError(f'the archive\'s record "{key}" does not say what it should')


def _check_pickles(container: Container, entries: dict[str, str]) -> None:
    for key, folder in _PICKLES.items():
        if key in entries:
            records = {
                match.group(2): container.size(name)
                for short, name in entries.items()
                if (match := _RECORD.fullmatch(short)) and match.group(1) == folder
            }
            check_pickle(container.read(entries[key], MAX_PICKLE_BYTES), records)


def _rewritten(container: Container, entries: dict[str, str]) -> bytes:
    target = BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED) as archive:
        for key, name in entries.items():
            info = zipfile.ZipInfo(f"archive/{key}")
            info.file_size = container.size(name)
            with archive.open(info, "w") as entry:
                for piece in container.chunks(name):
                    entry.write(piece)
    return target.getvalue()
