"""Operators that stop the process on certain values.

The smallest 64-bit integer divided by -1 overflows, which x86 processors answer with a signal (SIGFPE) and
not with an exception; ATen does not check for it.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import unsafe

INTEGER_DIVISIONS = frozenset(
    f"{name}{suffix}"
    for name in ("remainder", "fmod", "floor_divide", "div", "divide")
    for suffix in ("", "_")
)


def guard(name: str, function: Callable[..., Any]) -> Callable[..., Any]:
    """The operator, refusing what would stop the process."""
    if name not in INTEGER_DIVISIONS:
        return function

    def guarded(dividend: Any, divisor: Any, *others: Any, **named: Any) -> Any:
        if _is_integer(dividend) and _is_integer(divisor):
            _check(dividend, divisor)
        return function(dividend, divisor, *others, **named)

    return guarded


def _is_integer(value: Any) -> bool:
    if isinstance(value, Tensor):
        return not (value.is_floating_point() or value.is_complex())
    return isinstance(value, int)


def _check(dividend: Any, divisor: Any) -> None:
    overflows = _holds(divisor, -1) and (
        not isinstance(dividend, Tensor)
        or (dividend.dtype != torch.bool and _holds(dividend, torch.iinfo(dividend.dtype).min))
    )
    if overflows:
        raise unsafe("The smallest integer is divided by -1.")


def _holds(value: Any, number: int) -> bool:
    if isinstance(value, Tensor):
        return bool((value == number).any())
    return bool(value == number)
