"""Storages and tensors in a pickle: each must fit in the record that holds its bytes.

torch takes a storage's size from the pickle and checks it against nothing: a tensor larger than its record
reads, and in training overwrites, memory that is not its own.
"""

import re
from collections.abc import Mapping

from workers.uploads.archive.names import ELEMENT_BYTES
from workers.uploads.archive.values import Kind, Value
from workers.uploads.errors import UnsafeUploadError

MAX_ELEMENTS = 2**31
"""Most elements of a tensor; one with stride 0 has more than its storage."""
MAX_DIMENSIONS = 64
_KEY = re.compile(r"\d{1,9}", re.ASCII)


def storage(reference: Value, records: Mapping[str, int]) -> Value:
    """What a reference ("storage", type, record, device, elements) stands for.

    `records` gives the bytes of each record by its name. Raises UnsafeUploadError if they are not as many as
    the elements need, ValueError if it is no such reference.
    """
    tag, storage_type, key, device, elements = reference.items
    kinds = [item.kind for item in (tag, storage_type, key, device, elements)]
    if kinds != [Kind.TEXT, Kind.NAME, Kind.TEXT, Kind.TEXT, Kind.INTEGER] or tag.text != "storage":
        raise ValueError("no reference to a storage")
    if storage_type.text not in ELEMENT_BYTES or not _KEY.fullmatch(key.text):
        raise ValueError("no reference to a storage")
    held = records.get(key.text)
    claimed = elements.number * ELEMENT_BYTES[storage_type.text]
    if held != claimed:
        raise UnsafeUploadError(
            f"tensor record {key.text} is claimed to have {elements.number:,} elements in {claimed:,} bytes, "
            + ("but is not in the archive" if held is None else f"but has {held:,} bytes")
        )
    return Value(Kind.STORAGE, number=elements.number)


def check_tensor(arguments: Value) -> None:
    """Check (storage, offset, sizes, strides, …): the tensor must lie within its storage.

    Raises UnsafeUploadError if it does not, ValueError if these are no arguments of a tensor.
    """
    held, offset, sizes, strides = arguments.items[:4]
    if held.kind is not Kind.STORAGE or offset.kind is not Kind.INTEGER:
        raise ValueError("a tensor without a storage")
    shape, steps = _integers(sizes), _integers(strides)
    if len(shape) != len(steps) or len(shape) > MAX_DIMENSIONS or min([0, offset.number, *shape, *steps]) < 0:
        raise UnsafeUploadError("a tensor has a shape that no tensor can have")
    elements = 1
    for size in shape:
        elements *= size
    last = offset.number + sum((size - 1) * step for size, step in zip(shape, steps, strict=True))
    if elements > MAX_ELEMENTS or (elements and last >= held.number):
        raise UnsafeUploadError(
            f"a tensor of shape {tuple(shape)} does not lie within its storage of {held.number:,} elements"
        )


def _integers(value: Value) -> list[int]:
    if value.kind is not Kind.TUPLE or any(item.kind is not Kind.INTEGER for item in value.items):
        raise ValueError("not a tuple of integers")
    return [item.number for item in value.items]
