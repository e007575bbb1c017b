"""The tensors of a `.pt2` archive: each must lie within the record that holds its bytes."""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workers.uploads.archive.container import Container
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError
from workers.uploads.exported.arguments import dtype_of

MAX_ELEMENTS = 2**31
"""Most elements of a tensor; one with stride 0 has more than its record."""
MAX_DIMENSIONS = 64
_STRIDED = 7
"""The schema's number of the usual layout."""


def read_tensors(
    container: Container, entries: Mapping[str, str], folder: str, config: Mapping[str, Any]
) -> dict[str, Tensor]:
    """The tensors that a payload config describes, by name. Those that share all of their memory are one
    object.

    Raises UnsafeUploadError if one is pickled or does not lie within its record.
    """
    records: dict[str, Tensor] = {}
    known: dict[str, Tensor] = {}
    tensors = {}
    for name, payload in config.items():
        path = payload["path_name"]
        if payload["use_pickle"] or not path.startswith(("weight_", "tensor_")):
            raise UnsafeUploadError(f'"{name}" is stored as a pickled object, which is never read')
        if path not in records:
            records[path] = _content(container, entries[folder + path])
        alias = f"{path} {payload['is_param']} {payload['tensor_meta']}"
        if alias not in known:
            known[alias] = _tensor(name, records[path], payload)
        tensors[name] = known[alias]
    return tensors


def _content(container: Container, name: str) -> Tensor:
    """The bytes of a record, in memory that torch aligned: operators are slower on other memory."""
    content = torch.empty(container.size(name), dtype=torch.uint8)
    at, target = 0, content.numpy()
    for piece in container.chunks(name):
        target[at : at + len(piece)] = np.frombuffer(piece, np.uint8)
        at += len(piece)
    return content


def _tensor(name: str, record: Tensor, payload: Mapping[str, Any]) -> Tensor:
    meta = payload["tensor_meta"]
    dtype = dtype_of(meta["dtype"])
    if meta["layout"] != _STRIDED:
        raise InvalidUploadError(f'"{name}" is sparse or of another layout that is not supported')
    shape = [size["as_int"] for size in meta["sizes"]]
    strides = [stride["as_int"] for stride in meta["strides"]]
    offset = meta["storage_offset"]["as_int"]
    _check(name, shape, strides, offset, len(record), dtype.itemsize)
    tensor = record.view(dtype).as_strided(shape, strides, offset)
    if not payload["is_param"]:
        return tensor
    trained = bool(meta["requires_grad"]) and tensor.is_floating_point()
    return nn.Parameter(tensor, requires_grad=trained)


def _check(
    name: str, shape: list[int], strides: list[int], offset: int, record_bytes: int, element_bytes: int
) -> None:
    numbers = [offset, *shape, *strides]
    plausible = len(shape) == len(strides) <= MAX_DIMENSIONS and all(
        type(n) is int and n >= 0 for n in numbers
    )
    if not plausible or record_bytes % element_bytes:
        raise UnsafeUploadError(f'"{name}" has a shape that no tensor can have')
    elements = math.prod(shape)
    last = offset + sum((size - 1) * stride for size, stride in zip(shape, strides, strict=True))
    if elements > MAX_ELEMENTS or (elements and last >= record_bytes // element_bytes):
        raise UnsafeUploadError(
            f'"{name}" of shape {tuple(shape)} does not lie within its record of {record_bytes:,} bytes'
        )
