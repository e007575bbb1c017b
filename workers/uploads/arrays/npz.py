"""NumPy's archives of arrays: a zip archive with a `.npy` file for each."""

from io import BytesIO
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from workers.uploads.archive.container import open_container
from workers.uploads.arrays.source import plain, size_in_bytes
from workers.uploads.errors import InvalidUploadError

SUFFIX = ".npy"
MAX_HEADER = 10_000
"""Most characters of an array's description, which is a Python literal."""
_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
"""How descriptions are read. Version 3 is for the names of fields, which no array here has."""


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
    beginning = BytesIO(content[: 2 * MAX_HEADER])
    try:
        version = np.lib.format.read_magic(beginning)
        shape, column_major, dtype = _HEADERS[version](beginning, max_header_size=MAX_HEADER)
    except (ValueError, KeyError, TypeError, RecursionError, MemoryError, SyntaxError) as error:
        raise InvalidUploadError(f'the array "{name}" is no .npy array, or is damaged') from error
    if dtype.hasobject or dtype.fields is not None or dtype.subdtype is not None:
        raise InvalidUploadError(f'the array "{name}" holds Python objects or records, which are never read')
    start = beginning.tell()
    expected = size_in_bytes(name, shape, dtype.itemsize)
    if len(content) - start != expected:
        raise InvalidUploadError(
            f'the array "{name}" of shape {shape} needs {expected:,} bytes, but has {len(content) - start:,}'
        )
    if not expected:
        return np.empty(shape, np.float32)
    values = np.frombuffer(content, dtype, offset=start)
    return plain(name, values).reshape(shape, order="F" if column_major else "C")
