"""Data sets from files: an array of inputs and one of targets, a row a sample.

A file is told by its content, not by its name. Nothing pickled is ever read, and every size that a file
states is checked before it is believed.

- `npz`: NumPy's archives (`np.savez`).
- `safetensors`: Hugging Face's format.
- `checks`: what training needs of the two arrays.
"""

from collections.abc import Mapping
from typing import Any, BinaryIO

from numpy.typing import NDArray

from workers.uploads.arrays.checks import check_samples
from workers.uploads.arrays.npz import NpzArrays
from workers.uploads.arrays.safetensors import SafetensorsArrays
from workers.uploads.arrays.source import ArraySource
from workers.uploads.errors import InvalidUploadError, UploadError

__all__ = ["MAX_BYTES", "is_safetensors", "read_arrays"]

MAX_BYTES = 4 * 2**30
"""Most bytes of a file of arrays, and of what it unpacks to."""

_ADVICE = "save both arrays with np.savez or safetensors.numpy.save_file"
_REFUSED: Mapping[bytes, str] = {
    b"": "the file is neither a .npz nor a .safetensors file",
    b"\x93NUMPY": f"the file holds a single array (.npy): {_ADVICE}",
    b"\x80": f"the file is a pickle, which is never read: {_ADVICE}",
    b"\x89HDF": f"the file is an HDF5 file: {_ADVICE}",
}
"""What is wrong with other files, by their first bytes."""


def read_arrays(
    file: BinaryIO, inputs: str, targets: str, max_bytes: int = MAX_BYTES
) -> tuple[NDArray[Any], NDArray[Any]]:
    """Inputs (samples, …) and targets (samples,) or (samples, …), as they are in the file.

    Real numbers are float16, float32 or float64 (bfloat16 becomes float32); whole numbers are uint8 or
    signed; truth values are bool. All are finite, also as float32; there are at least 20 samples.

    Raises InvalidUploadError, with what is wrong and what the file holds, if these are not what it has.
    """
    try:
        source = _opened(file, max_bytes)
        missing = [name for name in (inputs, targets) if name not in source.names]
        if missing and any(name.endswith("/data.pkl") or "/models/" in name for name in source.names):
            raise InvalidUploadError(
                f"the file holds a network (TorchScript, .pt2 or weights), no data: {_ADVICE}"
            )
        if missing:
            held = ", ".join(f'"{name}"' for name in source.names[:20]) or "none"
            raise InvalidUploadError(f'the file has no array "{missing[0]}"; it has: {held}')
        arrays = source.read(inputs), source.read(targets)
    except UploadError as error:  # of data there is but one kind of refusal
        raise InvalidUploadError(error.detail) from error
    check_samples(inputs, arrays[0], targets, arrays[1])
    return arrays


def is_safetensors(file: BinaryIO) -> bool:
    """Whether a file begins as safetensors do: with a length below 4 GiB, and JSON."""
    file.seek(0)
    beginning = file.read(9)
    return beginning[4:] == bytes(4) + b"{"


def _opened(file: BinaryIO, max_bytes: int) -> ArraySource:
    file.seek(0)
    beginning = file.read(8)
    if beginning.startswith(b"PK"):
        return NpzArrays(file, max_bytes)
    if is_safetensors(file):
        return SafetensorsArrays(file, max_bytes)
    known = max((prefix for prefix in _REFUSED if beginning.startswith(prefix)), key=len)
    raise InvalidUploadError(_REFUSED[known])
