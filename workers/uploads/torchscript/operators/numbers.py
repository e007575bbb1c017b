"""Operators on numbers and truth values, in Python, with TorchScript's rules and bounded integers."""

import math
import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import check_integer, invalid

Number = int | float | complex


def _bounded(function: Callable[..., Any]) -> Callable[..., Any]:
    """The same, whose integer results are kept within bounds."""

    def bounded(*arguments: Any) -> Any:
        result = function(*arguments)
        return check_integer(result) if type(result) is int else result

    return bounded


def _floating(function: Callable[..., Any]) -> Callable[..., Any]:
    return lambda *arguments: float(function(*arguments))


def power(base: Number, exponent: Number) -> float | complex:
    """`base ** exponent`, a float also of integers."""
    if isinstance(base, complex) or isinstance(exponent, complex):
        return base**exponent
    return math.pow(base, exponent)


def integer_power(base: int, exponent: int) -> int:
    """`base ** exponent` of integers, where the result has few digits."""
    if abs(base) > 1 and abs(exponent) > 64:
        raise invalid("An integer is raised to a power above 64.")
    return check_integer(int(base**exponent))


def to_number(value: Any) -> Any:
    """The number in a tensor of one element; other values as they are."""
    number = value.item() if isinstance(value, Tensor) else value
    return check_integer(number) if type(number) is int else number


def to_int(value: Any) -> int:
    """`int(value)` of a tensor, number or text."""
    return check_integer(int(to_number(_short(value))))


def to_float(value: Any) -> float:
    """`float(value)` of a tensor, number or text."""
    return float(to_number(_short(value)))


def to_bool(value: Any) -> bool:
    """`bool(value)` of a tensor or number."""
    return bool(value)


def _short(value: Any) -> Any:
    if isinstance(value, str) and len(value) > 40:
        raise invalid("A text is longer than any number.")
    return value


def _log(value: float, base: float | None = None) -> float:
    return math.log(value) if base is None else math.log(value, base)


NUMBERS: dict[str, Callable[..., Any]] = {
    "add": _bounded(operator.add),
    "sub": _bounded(operator.sub),
    "mul": _bounded(operator.mul),
    "div": operator.truediv,
    "floordiv": _bounded(operator.floordiv),
    "remainder": _bounded(operator.mod),
    "neg": _bounded(operator.neg),
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "__and__": operator.and_,
    "__or__": operator.or_,
    "__xor__": operator.xor,
    "__not__": operator.not_,
    "floor": lambda x: check_integer(math.floor(x)),
    "ceil": lambda x: check_integer(math.ceil(x)),
    "round": _floating(round),
    "sqrt": math.sqrt,
    "exp": math.exp,
    "log": _log,
    "log2": math.log2,
    "log10": math.log10,
    "log1p": math.log1p,
    "sin": math.sin,
    "cos": math.cos,
    "tan": math.tan,
    "tanh": math.tanh,
    "asin": math.asin,
    "acos": math.acos,
    "sinh": math.sinh,
    "cosh": math.cosh,
    "expm1": math.expm1,
    "fmod": math.fmod,
    "copysign": math.copysign,
    "atan": math.atan,
    "atan2": math.atan2,
    "erf": math.erf,
    "isfinite": math.isfinite,
    "isinf": math.isinf,
    "isnan": math.isnan,
    "gcd": math.gcd,
    "Int": to_int,
    "Float": to_float,
    "Bool": to_bool,
    "__range_length": lambda low, high, step: len(range(low, high, step)),
    "__derive_index": lambda index, start, step: start + index * step,
    "any": any,
    "all": all,
    "sum": _bounded(sum),
}
"""By name in the `aten` namespace, for overloads without tensors and texts."""

NUMBERS_BY_OVERLOAD: dict[str, Callable[..., Any]] = {
    "aten::pow": power,
    "aten::pow.int_to_int": integer_power,
}

FROM_TENSORS: dict[str, Callable[..., Any]] = {
    "aten::Int": to_int,
    "aten::Float": to_float,
    "aten::Bool": to_bool,
    "aten::item": to_number,
    "aten::ScalarImplicit": to_number,
    "aten::IntImplicit": to_int,
    "aten::FloatImplicit": to_float,
    "prim::NumToTensor": torch.tensor,
}
"""Between tensors and numbers."""
