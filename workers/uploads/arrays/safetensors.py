"""Hugging Face's safetensors: a length, a description in JSON, and the bytes
(huggingface.co/docs/safetensors)."""

import json
from dataclasses import dataclass
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from workers.uploads.arrays.source import plain, size_in_bytes
from workers.uploads.errors import InvalidUploadError

LENGTH_BYTES = 8
MAX_HEADER = 16 * 2**20
"""Most bytes of the description."""
_BFLOAT16 = "BF16"
_TYPES = {
    "F64": "<f8",
    "F32": "<f4",
    "F16": "<f2",
    _BFLOAT16: "<u2",
    "I64": "<i8",
    "I32": "<i4",
    "I16": "<i2",
    "I8": "i1",
    "U64": "<u8",
    "U32": "<u4",
    "U16": "<u2",
    "U8": "u1",
    "BOOL": "?",
}
"""NumPy's names for the format's types. bfloat16 is read as its bits."""


@dataclass(frozen=True)
class _Entry:
    dtype: str
    shape: tuple[int, ...]
    begin: int
    end: int


class SafetensorsArrays:
    """A safetensors file of at most `max_bytes`. Raises InvalidUploadError if it is none."""

    def __init__(self, file: BinaryIO, max_bytes: int) -> None:
        self._file = file
        size = file.seek(0, 2)
        if size > max_bytes:
            raise InvalidUploadError(f"the file has {size:,} bytes; the most is {max_bytes:,}")
        file.seek(0)
        length = int.from_bytes(file.read(LENGTH_BYTES), "little")
        if size < LENGTH_BYTES or length > min(MAX_HEADER, size - LENGTH_BYTES):
            raise InvalidUploadError("the file is neither a .npz nor a .safetensors file, or it is cut off")
        self._data_at = LENGTH_BYTES + length
        self._data_bytes = size - self._data_at
        self._entries = _described(file.read(length))

    @property
    def names(self) -> list[str]:
        return list(self._entries)

    def read(self, name: str) -> NDArray[Any]:
        entry = self._entries[name]
        if entry.dtype not in _TYPES:
            raise InvalidUploadError(
                f'the array "{name}" has the type {entry.dtype[:20]}, which is not supported'
            )
        dtype = np.dtype(_TYPES[entry.dtype])
        needed = size_in_bytes(name, entry.shape, dtype.itemsize)
        if not 0 <= entry.begin <= entry.end <= self._data_bytes or entry.end - entry.begin != needed:
            raise InvalidUploadError(
                f'the array "{name}" of shape {entry.shape} needs {needed:,} bytes, but its offsets are '
                f"{entry.begin} to {entry.end} of {self._data_bytes:,}"
            )
        content = bytearray(needed)
        self._file.seek(self._data_at + entry.begin)
        if self._file.readinto(content) != needed:  # type: ignore[attr-defined]
            raise InvalidUploadError("the file is cut off")
        values = np.frombuffer(content, dtype)
        widened = _widened(values) if entry.dtype == _BFLOAT16 else plain(name, values)
        return widened.reshape(entry.shape)


def _widened(bits: NDArray[np.uint16]) -> NDArray[np.float32]:
    """The numbers that these bits are in bfloat16: the upper half of a float32."""
    return (bits.astype(np.uint32) << 16).view(np.float32)


def _described(header: bytes) -> dict[str, _Entry]:
    try:
        described = json.loads(header, object_pairs_hook=_unique)
        return {name: _entry(value) for name, value in described.items() if name != "__metadata__"}
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise InvalidUploadError(
            "the file is neither a .npz nor a .safetensors file, or it is damaged"
        ) from error


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Two readers could take different ones of two entries with one name."""
    if len(dict(pairs)) != len(pairs):
        raise ValueError("a name stands twice")
    return dict(pairs)


def _entry(value: dict[str, Any]) -> _Entry:
    begin, end = value["data_offsets"]
    numbers = [begin, end, *value["shape"]]
    if any(type(number) is not int for number in numbers) or not isinstance(value["dtype"], str):
        raise ValueError("not a description of an array")
    return _Entry(value["dtype"], tuple(value["shape"]), begin, end)
