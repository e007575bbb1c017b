"""What every format of arrays offers."""

import math
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from workers.uploads.errors import InvalidUploadError

MAX_DIMENSIONS = 8


class ArraySource(Protocol):
    """A file whose table of arrays has been read."""

    @property
    def names(self) -> list[str]:
        """The arrays in it."""
        ...

    def read(self, name: str) -> NDArray[Any]:
        """One of them. Raises UploadError if it is damaged or of a type that is not supported."""
        ...


def size_in_bytes(name: str, shape: tuple[int, ...], element_bytes: int) -> int:
    """Bytes of an array. Raises InvalidUploadError for a shape that no array here has."""
    if len(shape) > MAX_DIMENSIONS or min([0, *shape]) < 0:
        raise InvalidUploadError(
            f'the array "{name}" has the shape {str(shape)[:100]}, which is not supported'
        )
    return math.prod(shape) * element_bytes


def plain(name: str, values: NDArray[Any]) -> NDArray[Any]:
    """The same numbers in the machine's order of bytes, and in a type that torch computes with.

    Raises InvalidUploadError for whole numbers that are too large for one.
    """
    if values.dtype.kind == "b":
        return np.not_equal(values.view(np.uint8), 0)  # other bytes than 0 and 1 are no truth values
    if values.dtype.kind == "u" and values.dtype.itemsize > 1:
        return _signed(name, values)
    native: NDArray[Any] = values.astype(values.dtype.newbyteorder("="), copy=False)
    return native


def _signed(name: str, values: NDArray[Any]) -> NDArray[Any]:
    if values.size and values.max() > np.iinfo(np.int64).max:
        raise InvalidUploadError(f'the array "{name}" has whole numbers of more than 63 bits')
    signed: NDArray[np.int64] = values.astype(np.int64)
    return signed
