"""What runs the steps of an exported graph: operators from the list of those that are permitted."""

import math
import operator
import re
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from workers.uploads.archive.operators import HARMFUL, OTHER_LIBRARIES
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError
from workers.uploads.exported.arguments import NetworkDevice
from workers.uploads.torchscript.limits import check_integer
from workers.uploads.torchscript.operators import hazards, resolve
from workers.uploads.torchscript.operators.composed import COMPOSED_NAMES
from workers.uploads.torchscript.operators.layers import layer_name
from workers.uploads.torchscript.operators.permitted import PERMITTED

_ATEN = re.compile(r"torch\.ops\.aten\.(\w+)\.(\w+)", re.ASCII)
_HONEST_LIBRARIES = ("aten", "prim", "higher_order", *OTHER_LIBRARIES)

DECOMPOSED = frozenset(
    [
        "native_layer_norm",
        "native_group_norm",
        "native_dropout",
        "native_batch_norm",
        "_native_batch_norm_legit",
        "_native_batch_norm_legit_no_training",
        "_native_batch_norm_legit_functional",
        "_to_copy",
        "lift_fresh_copy",
        "alias_copy",
        "view_copy",
        "slice_copy",
        "select_copy",
        "copy",
        "copy_",
        "detach_",
    ]
)
"""Operators that only exported programs have."""
CHECKS = frozenset(
    [
        "_assert_scalar",
        "_assert_async",
        "_assert_tensor_metadata",
        "sym_constrain_range",
        "sym_constrain_range_for_size",
    ]
)
"""Operators that compute nothing."""


def _integer(function: Callable[..., Any]) -> Callable[..., Any]:
    def run(*numbers: Any) -> Any:
        result = function(*numbers)
        return check_integer(result) if type(result) is int else result

    return run


_KINDS: Mapping[str, type] = {
    "ScalarType": torch.dtype,
    "MemoryFormat": torch.memory_format,
    "Layout": torch.layout,
    "Device": NetworkDevice,
}
"""What stands for arguments that are numbers in a schema."""
_SYMBOLIC: Mapping[str, Callable[..., Any]] = {
    "torch.ops.aten.sym_size.int": torch.Tensor.size,
    "torch.ops.aten.sym_stride.int": torch.Tensor.stride,
    "torch.ops.aten.sym_numel.default": torch.Tensor.numel,
    "torch.ops.aten.sym_storage_offset.default": torch.Tensor.storage_offset,
    "_operator.add": _integer(operator.add),
    "_operator.sub": _integer(operator.sub),
    "_operator.mul": _integer(operator.mul),
    "_operator.floordiv": _integer(operator.floordiv),
    "_operator.mod": _integer(operator.mod),
    "_operator.neg": _integer(operator.neg),
    "_operator.truediv": operator.truediv,
    "_operator.eq": operator.eq,
    "_operator.ne": operator.ne,
    "_operator.lt": operator.lt,
    "_operator.le": operator.le,
    "_operator.gt": operator.gt,
    "_operator.ge": operator.ge,
    "_operator.and_": operator.and_,
    "_operator.or_": operator.or_,
    "math.ceil": math.ceil,
    "math.floor": math.floor,
    "math.trunc": math.trunc,
    "torch.sym_int": int,
    "torch.sym_float": float,
    "torch.sym_max": max,
    "torch.sym_min": min,
    "torch.sym_not": operator.not_,
    "torch.sym_ite": lambda condition, yes, no: yes if condition else no,
}
"""Sizes, and arithmetic on them."""


@dataclass(frozen=True)
class Operation:
    """What runs a step."""

    function: Callable[..., Any]
    name: str
    """For a tensor operator, its name, such as `relu_`; else empty."""
    quick: Callable[..., Any] | None = None
    """The same by a shorter way, if there is one, for calls without keyword arguments."""
    of_numbers: Callable[..., Any] | None = None
    """The same for calls with a number where the schema has a tensor, if that is possible."""
    schema: torch.FunctionSchema | None = None
    """Its arguments, for a tensor operator."""

    @property
    def layer(self) -> str | None:
        """The name of the layer that it is, without the underscore of the form in place, if it is one."""
        return layer_name(f"aten::{self.name}")

    def is_tensor(self, place: int | str) -> bool:
        """Whether the argument at this position, or with this name, is a tensor."""
        arguments = self.schema.arguments if self.schema is not None else []
        return any(
            place in (at, argument.name) and str(argument.type) == "Tensor"
            for at, argument in enumerate(arguments)
        )

    def takes(self, count: int, names: Collection[str]) -> bool:
        """Whether it can be called with so many positional arguments, and these others by name."""
        arguments = self.schema.arguments if self.schema is not None else []
        left = {argument.name: argument for argument in arguments[count:]}
        missing = [name for name, argument in left.items() if not argument.has_default_value()]
        return self.symbolic or (
            count <= len(arguments) and set(names) <= set(left) and set(missing) <= set(names)
        )

    def check_kinds(self, positional: Sequence[Any], named: Mapping[str, Any]) -> None:
        """Raises InvalidUploadError if a number stands for a type of numbers, a layout or a device: PyTorch
        takes any, and crashes."""
        arguments = self.schema.arguments if self.schema is not None else []
        by_name = {argument.name: argument for argument in arguments}
        given = [*zip(arguments, positional, strict=False), *((by_name[name], named[name]) for name in named)]
        for argument, value in given:
            kind = _KINDS.get(str(argument.real_type).removeprefix("Optional[").removesuffix("]"))
            if kind is not None and value is not None and not isinstance(value, kind):
                raise InvalidUploadError(f'the graph gives {self.name} no valid "{argument.name}"')

    def by_position(
        self, positional: Sequence[Any], named: Mapping[str, Any]
    ) -> tuple[list[Any], dict[str, Any]]:
        """The same arguments, each in its place unless it must be given by name: checks look at places."""
        placed, left = list(positional), dict(named)
        arguments = self.schema.arguments if self.schema is not None else []
        for argument in arguments[len(placed) :]:
            if left.keys() <= {other.name for other in arguments if other.kwarg_only}:
                break
            placed.append(left.pop(argument.name, argument.default_value))
        return placed, left

    @property
    def symbolic(self) -> bool:
        """Whether it computes sizes, not tensors."""
        return not self.name


def operation(target: str) -> Operation | None:
    """What runs a target such as `torch.ops.aten.relu.default`; None if nothing needs to be run.

    Raises UnsafeUploadError for one that only does harm, and InvalidUploadError for one that is not
    supported.
    """
    if target in _SYMBOLIC:
        return Operation(_SYMBOLIC[target], "")
    match = _ATEN.fullmatch(target)
    if match is None:
        raise _refusal(target)
    name, overload = match.groups()
    if name in CHECKS:
        return None
    if name not in PERMITTED | DECOMPOSED | COMPOSED_NAMES:
        raise _refusal(target)
    packet = getattr(torch.ops.aten, name)
    if overload not in packet.overloads():
        raise _refusal(target)
    found = getattr(packet, overload)
    schema = found._schema
    if name in DECOMPOSED and not any(argument.is_out for argument in schema.arguments):
        return Operation(hazards.guard(name, found), name, schema=schema)
    resolved = resolve(f"aten::{name}", str(schema))
    if resolved is None:
        raise _refusal(target)
    numbers = None if name in COMPOSED_NAMES else _with_numbers(name, found, resolved.function)
    return Operation(resolved.function, name, resolved.quick, numbers, schema)


def _with_numbers(
    name: str, found: torch._ops.OpOverload, function: Callable[..., Any]
) -> Callable[..., Any]:
    """An operator that may be given a number for a tensor, which cannot make its result larger. Where the
    graph gives it a tensor after all, it is checked as always."""
    guarded = hazards.guard(name, found)
    tensors = [at for at, argument in enumerate(found._schema.arguments) if str(argument.type) == "Tensor"]

    def run(*arguments: Any, **named: Any) -> Any:
        given = [arguments[at] for at in tensors if at < len(arguments)]
        suited = function if all(isinstance(value, torch.Tensor) for value in given) else guarded
        return suited(*arguments, **named)

    return run


def _refusal(target: str) -> InvalidUploadError | UnsafeUploadError:
    library, _, name = target.removeprefix("torch.ops.").partition(".")
    known = target.startswith("torch.ops.") and library in _HONEST_LIBRARIES
    if known and not HARMFUL.fullmatch(name.partition(".")[0]):
        return InvalidUploadError(f"the operator {target[:100]} is not supported")
    return UnsafeUploadError(f'the graph calls "{target[:100]}", which does what no network needs')
