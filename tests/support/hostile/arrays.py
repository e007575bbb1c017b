"""Data sets that are made to do harm."""

import json
import pickle
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np

from service.contract.errors import ErrorCode
from service.contract.upload import UploadFormat
from tests.support.hostile.hostile import Hostile

_SAMPLES = 24


class Command:
    """Unpickling it writes a file."""

    def __init__(self, canary: Path) -> None:
        self.canary = canary

    def __reduce__(self) -> tuple[Any, ...]:
        return open, (str(self.canary), "w")


def npy(shape: str, dtype: str, content: bytes) -> bytes:
    """A `.npy` file that says whatever it likes of its content."""
    header = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(header).to_bytes(2, "little") + header + content


def npz(inputs: bytes, compression: int = zipfile.ZIP_STORED) -> bytes:
    """A `.npz` file with these inputs and honest targets."""
    target = BytesIO()
    with zipfile.ZipFile(target, "w", compression) as archive:
        archive.writestr("inputs.npy", inputs)
        archive.writestr("targets.npy", npy(f"({_SAMPLES},)", "'<i8'", bytes(8 * _SAMPLES)))
    return target.getvalue()


def safetensors(inputs: dict[str, Any], data: bytes = bytes(4 * 2 * _SAMPLES + 8 * _SAMPLES)) -> bytes:
    """A safetensors file with this description of the inputs and honest targets."""
    honest = {"dtype": "F32", "shape": [_SAMPLES, 2], "data_offsets": [0, 8 * _SAMPLES]}
    targets = {"dtype": "I64", "shape": [_SAMPLES], "data_offsets": [8 * _SAMPLES, 16 * _SAMPLES]}
    return described(json.dumps({"inputs": {**honest, **inputs}, "targets": targets}).encode(), data)


def described(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    """A safetensors file with this description, and a length that may not be the description's."""
    return (len(header) if length is None else length).to_bytes(8, "little") + header + data


def _objects(canary: Path) -> bytes:
    target = BytesIO()
    inputs = np.array([[Command(canary)]] * _SAMPLES, dtype=object)
    np.savez(target, inputs=inputs, targets=np.zeros(_SAMPLES))
    return target.getvalue()


def _array(
    name: str, tries: str, make: Callable[[Path], bytes], says: str, file_format: UploadFormat = "npz"
) -> Hostile:
    return Hostile(name, tries, make, "read", ErrorCode.DATA_INVALID, says, file_format)


def _npz(name: str, tries: str, inputs: bytes, says: str, compression: int = zipfile.ZIP_STORED) -> Hostile:
    return _array(name, tries, lambda _canary: npz(inputs, compression), says)


def _safetensors(name: str, tries: str, content: bytes, says: str) -> Hostile:
    return _array(name, tries, lambda _canary: content, says, "safetensors")


_BOMB = npy("(4194304, 16)", "'<f4'", bytes(2**28))

ARRAYS = (
    _array("npz-objects", "run a command by a pickled array", _objects, "Python objects"),
    _array(
        "pickled-data", "run a command by a pickle", lambda canary: pickle.dumps(Command(canary)), "pickle"
    ),
    _npz("npz-raw-pickle", "run a command by a pickle in an archive", b"\x80\x04N.", "no .npy array"),
    _npz("npz-huge-shape", "allocate 2^60 numbers", npy("(1152921504606846976, 2)", "'<f4'", b""), "needs"),
    _npz(
        "npz-overflowing-shape",
        "overflow a size",
        npy("(4294967296, 4294967296)", "'<f4'", bytes(192)),
        "needs",
    ),
    _npz("npz-negative-shape", "overflow a size", npy("(-24, 2)", "'<f4'", bytes(192)), "shape"),
    _npz(
        "npz-deep-literal",
        "overflow the literal's reader",
        npy("(" * 3000 + ")" * 3000, "'<f4'", b""),
        "no .npy array",
    ),
    _npz("npz-records", "have fields", npy("(24,)", "[('a', '<f4'), ('b', '<f4')]", bytes(192)), "type"),
    _npz("npz-text", "be text", npy("(24, 1)", "'<U2'", bytes(192)), "type"),
    _npz("npz-unknown-version", "confuse the reader", b"\x93NUMPY\x09\x00" + bytes(100), "no .npy array"),
    _npz("npz-bomb", "unpack 256 MiB from a small file", _BOMB, "the most is", zipfile.ZIP_DEFLATED),
    _safetensors("safetensors-huge-length", "read 2^63 bytes", described(b"{}", length=2**63), "neither"),
    _safetensors(
        "safetensors-length-beyond-file", "read behind the file", described(b"{}", length=10**6), "cut off"
    ),
    _safetensors(
        "safetensors-offsets-beyond-file",
        "read behind the file",
        safetensors({"data_offsets": [10**9, 10**9 + 192]}),
        "offsets",
    ),
    _safetensors(
        "safetensors-negative-offsets",
        "read before the data",
        safetensors({"data_offsets": [-192, 0]}),
        "offsets",
    ),
    _safetensors(
        "safetensors-reversed-offsets",
        "have a negative size",
        safetensors({"data_offsets": [192, 0]}),
        "offsets",
    ),
    _safetensors(
        "safetensors-huge-shape", "allocate 2^60 numbers", safetensors({"shape": [2**59, 2]}), "needs"
    ),
    _safetensors("safetensors-negative-shape", "overflow a size", safetensors({"shape": [-24, -2]}), "shape"),
    _safetensors(
        "safetensors-fractional-shape", "confuse the reader", safetensors({"shape": [24.0, 2]}), "damaged"
    ),
    _safetensors(
        "safetensors-unknown-type", "use an unknown type", safetensors({"dtype": "F4_E2M1"}), "type"
    ),
    _safetensors(
        "safetensors-deep-json", "overflow the JSON reader", described(b'{"a":' + b"[" * 200_000), "damaged"
    ),
    _safetensors("safetensors-no-object", "confuse the reader", described(b'{"inputs": 3}'), "damaged"),
    _safetensors(
        "safetensors-name-twice", "show two readers two contents", described(b'{"a": {}, "a": {}}'), "damaged"
    ),
)
