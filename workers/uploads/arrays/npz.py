"""NumPy's archives of arrays: a zip archive with a `.npy` file for each."""

import ast
import re
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

from workers.uploads.archive.container import open_container
from workers.uploads.arrays.source import plain, size_in_bytes
from workers.uploads.errors import InvalidUploadError

SUFFIX = ".npy"
MAX_HEADER = 10_000
"""Most characters of an array's description, which is a Python literal."""
_MAGIC = b"\x93NUMPY"
_LENGTH_BYTES = {(1, 0): 2, (2, 0): 4, (3, 0): 4}
"""Bytes of the description's length, by version of the format (numpy.lib.format)."""
_NUMBERS = re.compile(r"[<>|=](b1|[iu][1248]|f[248])", re.ASCII)
"""Types that are numbers or truth values."""


class _Header(NamedTuple):
    """What a `.npy` file says of its array."""

    dtype: str
    shape: tuple[int, ...]
    column_major: bool
    end: int
    """Where the numbers begin."""


class NpzArrays:
    """A `.npz` file of at most `max_bytes`, packed and unpacked. Raises UploadError if it is none."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        self._max_bytes = max_bytes
        with open_container(file, max_bytes) as container:
            self._entries = {name.removesuffix(SUFFIX): name for name in container.names}

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def read(self, name: str) -> NDArray[Any]:
        with open_container(self._file, self._max_bytes) as container:
            content = bytearray()
            for piece in container.chunks(self._entries[name]):
                content += piece
        return _array(name, content)


def _array(name: str, content: bytearray) -> NDArray[Any]:
    """The array that a `.npy` file describes, in the same memory."""
    try:
        header = _header(content)
    except (LookupError, ValueError, TypeError, SyntaxError, RecursionError, MemoryError) as error:
        raise InvalidUploadError(f'the array "{name}" is no .npy array, or is damaged') from error
    if header.dtype.endswith("O"):
        raise InvalidUploadError(f'the array "{name}" holds pickled Python objects, which are never read')
    if not _NUMBERS.fullmatch(header.dtype):
        raise InvalidUploadError(
            f'the array "{name}" has the type {header.dtype[:50]}; supported are real and whole numbers and '
            "truth values"
        )
    dtype = np.dtype(header.dtype)
    expected = size_in_bytes(name, header.shape, dtype.itemsize)
    if len(content) - header.end != expected:
        raise InvalidUploadError(
            f'the array "{name}" of shape {header.shape} needs {expected:,} bytes, but has '
            f"{len(content) - header.end:,}"
        )
    values = np.frombuffer(content, dtype, offset=header.end) if expected else np.empty(0, dtype)
    return plain(name, values).reshape(header.shape, order="F" if header.column_major else "C")


def _header(content: bytearray) -> _Header:
    """Raises one of several errors if there is none."""
    start = len(_MAGIC) + 2
    length_bytes = _LENGTH_BYTES[content[len(_MAGIC)], content[len(_MAGIC) + 1]]
    end = start + length_bytes + int.from_bytes(content[start : start + length_bytes], "little")
    if not content.startswith(_MAGIC) or end - start > MAX_HEADER or end > len(content):
        raise ValueError("no description")
    described = ast.literal_eval(content[start + length_bytes : end].decode("latin-1").strip())
    shape = described["shape"]
    if not isinstance(shape, tuple) or any(type(size) is not int for size in shape):
        raise TypeError("no shape")
    return _Header(str(described["descr"]), shape, bool(described["fortran_order"]), end)
