"""Refusing operators that would create a tensor which is too large, before they run.

A cheap bound comes first: almost always it is far below the limit. Where it is not, the operator is rehearsed
on the `meta` device, which computes shapes and no values.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

import torch
from torch import Tensor
from torch._ops import OpOverload

from workers.uploads.torchscript.limits import MAX_ELEMENTS, RefusalError, unsafe
from workers.uploads.torchscript.operators.bounds import BELOW_PRODUCT, BOUNDS, Bound, broadcast, linear

Function = Callable[..., Any]


def guard(name: str, function: Function, operator: OpOverload, *, tensors: int) -> Function:
    """The operator, refusing to create a tensor above the limit.

    Args:
        name: Its name in the `aten` namespace.
        function: What runs it.
        operator: The operator itself, to be rehearsed on the `meta` device.
        tensors: How many of its first arguments are tensors.

    Raises:
        RefusalError: when called, if it would.
    """
    bound = BOUNDS.get(name)
    if bound is None or (bound is broadcast and tensors < 2):
        return function
    if bound in BELOW_PRODUCT and tensors >= 2:
        return _guard_two(bound, function, operator)

    def guarded(*arguments: Any, **named: Any) -> Any:
        if bound(*arguments) > MAX_ELEMENTS:
            rehearse(operator, arguments, named)
        return function(*arguments, **named)

    return guarded


def _guard_two(bound: Bound, function: Function, operator: OpOverload) -> Function:
    """The same for operators that run so often that the check must cost next to nothing."""
    count = Tensor.numel
    if bound is linear:

        def guarded_linear(inputs: Tensor, weight: Tensor, bias: Tensor | None = None) -> Any:
            if count(inputs) * count(weight) > MAX_ELEMENTS and linear(inputs, weight) > MAX_ELEMENTS:
                rehearse(operator, (inputs, weight, bias), {})
            return function(inputs, weight, bias)

        return guarded_linear

    def guarded(first: Any, second: Any, *others: Any, **named: Any) -> Any:
        if count(first) * count(second) > MAX_ELEMENTS and bound(first, second, *others) > MAX_ELEMENTS:
            rehearse(operator, (first, second, *others), named)
        return function(first, second, *others, **named)

    return guarded


def rehearse(operator: OpOverload, arguments: Iterable[Any], named: Mapping[str, Any]) -> None:
    """Compute the shape of the result alone.

    Raises:
        RefusalError: It is too large, or cannot be known.
    """
    named = {key: _on_meta(value) for key, value in named.items()}
    if any(argument.name == "device" for argument in operator._schema.arguments):
        named["device"] = torch.device("meta")
    try:
        with torch.no_grad():
            result = operator(*map(_on_meta, arguments), **named)
    except RefusalError:
        raise
    except (RuntimeError, OverflowError, TypeError) as error:
        raise unsafe(
            f"It may create a tensor of more than {MAX_ELEMENTS:,} elements ({str(error)[:200]})."
        ) from error
    if _elements(result) > MAX_ELEMENTS:
        raise unsafe(f"It would create a tensor of {_elements(result):,} elements.")


def _on_meta(value: Any) -> Any:
    if isinstance(value, Tensor):
        return torch.empty_strided(value.size(), value.stride(), dtype=value.dtype, device="meta")
    if isinstance(value, torch.device):
        return torch.device("meta")
    if isinstance(value, list | tuple):
        return type(value)(map(_on_meta, value))
    return value


def _elements(result: Any) -> int:
    if isinstance(result, Tensor):
        return result.numel()
    if isinstance(result, list | tuple):
        return max((_elements(entry) for entry in result), default=0)
    return 0
