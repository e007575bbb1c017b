"""Arguments in a graph's JSON, as values and references to values."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch

from workers.uploads.errors import InvalidUploadError
from workers.uploads.torchscript.limits import check_constant

_DTYPES = {
    1: torch.uint8,
    2: torch.int8,
    3: torch.int16,
    4: torch.int32,
    5: torch.int64,
    6: torch.float16,
    7: torch.float32,
    8: torch.float64,
    10: torch.complex64,
    11: torch.complex128,
    12: torch.bool,
    13: torch.bfloat16,
}
"""The schema's numbers of dtypes (they are not ATen's)."""
_MEMORY_FORMATS = {
    1: torch.contiguous_format,
    2: torch.channels_last,
    3: torch.channels_last_3d,
    4: torch.preserve_format,
}
_STRIDED = 7
_NUMBERS_AS_TEXT = ("Infinity", "-Infinity", "NaN")


@dataclass(frozen=True)
class Reference:
    """A value that a step of the graph gives, or that goes into it."""

    name: str


@dataclass(frozen=True)
class NetworkDevice:
    """The device that the network runs on, wherever the graph names the one that it was exported on."""


Template = Any
"""A value, a `Reference`, a `NetworkDevice`, or a list of templates."""


def dtype_of(number: int) -> torch.dtype:
    """Raises InvalidUploadError for one that is not supported."""
    if number not in _DTYPES:
        raise InvalidUploadError(
            f"the archive uses a type of numbers that is not supported (number {number})"
        )
    return _DTYPES[number]


def template(argument: Mapping[str, Any]) -> Template:
    """The template of an argument, such as `{"as_int": 3}` or `{"as_tensor": {"name": "x"}}`.

    Raises InvalidUploadError for kinds that are not supported.
    """
    ((kind, value),) = argument.items()
    if kind not in _READERS:
        raise InvalidUploadError(
            f'the graph has an argument of the kind "{kind[:50]}", which is not supported'
        )
    return _READERS[kind](value)


def references(value: Template) -> list[str]:
    """The names of the values that a template refers to, in order."""
    if isinstance(value, Reference):
        return [value.name]
    return [name for item in value for name in references(item)] if isinstance(value, list) else []


def varies(value: Template) -> bool:
    """Whether it is not the same in each forward pass."""
    return isinstance(value, NetworkDevice) or bool(references(value))


def _named(value: Mapping[str, Any]) -> Reference:
    if not isinstance(value["name"], str):
        raise TypeError("a name that is no text")
    return Reference(value["name"])


def _symbolic(kind: type) -> Callable[[Mapping[str, Any]], Template]:
    def read(value: Mapping[str, Any]) -> Template:
        if "as_name" in value:
            return _named({"name": value["as_name"]})
        ((_, constant),) = value.items()
        return _constant(kind)(constant)

    return read


def _constant(kind: type) -> Callable[[Any], Any]:
    def read(value: Any) -> Any:
        if kind is float and (type(value) is int or value in _NUMBERS_AS_TEXT):
            value = float(value)
        if type(value) is not kind:
            raise TypeError(f"{value!r:.50} where a {kind.__name__} was due")
        return check_constant(value)

    return read


def _list(read: Callable[[Any], Template]) -> Callable[[list[Any]], list[Template]]:
    return lambda values: [read(value) for value in values]


def _optional_tensor(value: Mapping[str, Any]) -> Template:
    return _named(value["as_tensor"]) if "as_tensor" in value else None


def _layout(number: int) -> torch.layout:
    if number != _STRIDED:
        raise InvalidUploadError("the graph makes tensors of a layout that is not supported")
    return torch.strided


_READERS: Mapping[str, Callable[[Any], Template]] = {
    "as_none": lambda _: None,
    "as_tensor": _named,
    "as_tensors": _list(_named),
    "as_optional_tensor": _optional_tensor,
    "as_optional_tensors": _list(_optional_tensor),
    "as_int": _constant(int),
    "as_ints": _list(_constant(int)),
    "as_float": _constant(float),
    "as_floats": _list(_constant(float)),
    "as_bool": _constant(bool),
    "as_bools": _list(_constant(bool)),
    "as_string": _constant(str),
    "as_strings": _list(_constant(str)),
    "as_sym_int": _symbolic(int),
    "as_sym_ints": _list(_symbolic(int)),
    "as_sym_float": _symbolic(float),
    "as_sym_floats": _list(_symbolic(float)),
    "as_sym_bool": _symbolic(bool),
    "as_sym_bools": _list(_symbolic(bool)),
    "as_scalar_type": dtype_of,
    "as_memory_format": lambda number: _MEMORY_FORMATS[number],
    "as_layout": _layout,
    "as_device": lambda _: NetworkDevice(),
}
"""How arguments are read, by their kind in the schema."""
