"""Which Python function runs a node of a graph, for all operators that are permitted.

Everything is looked up in tables; what stands in none of them is not run.
"""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch

from workers.uploads.torchscript.operators import hazards, sizes
from workers.uploads.torchscript.operators.composed import ADJUSTED, COMPOSED
from workers.uploads.torchscript.operators.containers import CONSTRUCTORS, CONTAINERS, TEXTS
from workers.uploads.torchscript.operators.numbers import FROM_TENSORS, NUMBERS, NUMBERS_BY_OVERLOAD, power
from workers.uploads.torchscript.operators.permitted import INTERPRETED_OVERLOADS, is_permitted
from workers.uploads.torchscript.operators.properties import PROPERTIES
from workers.uploads.torchscript.operators.quick import QUICK

ATEN: frozenset[str] = frozenset(torch._C._dispatch_get_all_op_names())
"""All overloads that ATen itself has."""
UNINITIALIZED = frozenset({"empty", "empty_like", "new_empty"})
"""Operators that show what the memory held before."""


@dataclass(frozen=True)
class Parameter:
    """One argument of an operator."""

    name: str
    keyword_only: bool
    kind: str
    """The schema's name of its type, such as `Tensor` or `ScalarType`, without `Optional`."""
    has_default: bool
    default: Any


@dataclass(frozen=True)
class Operation:
    """What runs a node."""

    function: Callable[..., Any]
    parameters: tuple[Parameter, ...] | None = None
    """Its arguments, where it is a tensor operator."""
    quick: Callable[..., Any] | None = None
    """The same by a shorter way, if there is one, for calls without dtypes and keyword arguments."""


def resolve(kind: str, schema: str | None) -> Operation | None:
    """The operation for a kind of node (`aten::add`) with a schema (`aten::add.Tensor(Tensor self, …`)."""
    for table in (PROPERTIES, CONSTRUCTORS):
        if kind in table:
            return Operation(table[kind])
    if schema is None:
        return None
    overload, _, arguments = schema.partition("(")
    if "Tensor" not in arguments.partition(" -> ")[0] or _is_generic(arguments):
        function = _python_function(kind, overload, arguments)
        if function is not None:
            return Operation(function)
    if overload in COMPOSED:
        return Operation(COMPOSED[overload])
    if kind in FROM_TENSORS:
        return Operation(FROM_TENSORS[kind])
    return _tensor_operation(kind, overload)


def _is_generic(arguments: str) -> bool:
    """Whether it works on lists or dictionaries, of tensors too."""
    return arguments.startswith(("t[]", "Dict(", "(", "Tensor[](a!) self")) and "Generator" not in arguments


def _python_function(kind: str, overload: str, arguments: str) -> Callable[..., Any] | None:
    namespace, _, name = kind.partition("::")
    if namespace != "aten":
        return None
    if overload in NUMBERS_BY_OVERLOAD:
        return NUMBERS_BY_OVERLOAD[overload]
    if name == "pow":
        return power
    first = arguments.split(" ")[0]
    if first.startswith("str") and not first.startswith("str["):
        return TEXTS.get(name) or NUMBERS.get(name)
    if "[]" in first or first.startswith(("Dict(", "(", "t[]")) or (first == "int" and "[]" in arguments):
        return CONTAINERS.get(name) or NUMBERS.get(name)
    if name == "dict":
        return CONTAINERS[name]
    return NUMBERS.get(name) or TEXTS.get(name)


def _tensor_operation(kind: str, overload: str) -> Operation | None:
    name = kind.partition("::")[2]
    if not is_permitted(overload):
        return None
    packet = getattr(torch.ops.aten, name, None)
    found = getattr(packet, overload.partition(".")[2] or "default", None)
    if (
        not _is_on_tensors(overload)
        or found is None
        or any(_is_refused(argument) for argument in found._schema.arguments)
    ):
        return None
    parameters = tuple(_parameter(argument) for argument in found._schema.arguments)
    plain = _zeroed(found._op) if name in UNINITIALIZED else ADJUSTED.get(overload, found._op)
    function = _guarded(name, plain, found, parameters)
    quick = QUICK.get(overload)
    if quick is None:
        return Operation(function, parameters)
    return Operation(function, parameters, _guarded(name, quick, found, parameters))


def _guarded(
    name: str,
    function: Callable[..., Any],
    operator: torch._ops.OpOverload,
    parameters: tuple[Parameter, ...],
) -> Callable[..., Any]:
    tensors = sum(1 for _ in itertools.takewhile(lambda parameter: parameter.kind == "Tensor", parameters))
    return hazards.guard(name, sizes.guard(name, function, operator, tensors=tensors))


def _is_on_tensors(overload: str) -> bool:
    return overload in INTERPRETED_OVERLOADS or overload in ATEN


def _is_refused(argument: Any) -> bool:
    """Outputs given as arguments, and dimensions that have names."""
    return argument.is_out or "Dimname" in str(argument.real_type)


def _parameter(argument: Any) -> Parameter:
    kind = str(argument.real_type).removeprefix("Optional[").removesuffix("]")
    if argument.name == "dtype" and kind == "int":
        kind = "ScalarType"  # TorchScript's own overloads of `to` do not say so
    return Parameter(
        argument.name, argument.kwarg_only, kind, argument.has_default_value(), argument.default_value
    )


def _zeroed(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments, **named: function(*arguments, **named).zero_()
