"""Numbers and lists as people read them."""

import math
from collections.abc import Sequence

from service.contract.conditions import REMEDIES
from workers.diagnosis.depth import DepthProfile
from workers.probes.trace import Evaluation

_CAUSE_WORDS = {
    "weights": "the weights",
    "normalisation": "the normalisation layers",
    "skip": "the residual blocks",
    "attention": "the attention",
    "pooling": "pooling",
    "dropout": "dropout",
    "loss": "the loss function",
    "scale": "gates and scales",
    "other": "pooling and dropout",
}

LARGEST_DERIVATIVE = {
    "sigmoid": 0.25,
    "tanh": 1.0,
    "relu": 1.0,
    "leaky_relu": 1.0,
    "elu": 1.0,
    "selu": 1.758,
    "gelu": 1.129,
    "silu": 1.1,
    "softplus": 1.0,
    "hardtanh": 1.0,
    "identity": 1.0,
}
"""The largest value of each activation function's derivative (calculus)."""


def number(value: float, digits: int = 3) -> str:
    """A value to so many significant digits, NaN and infinity in words."""
    if math.isnan(value):
        return "undefined"
    if math.isinf(value):
        return "beyond all bounds"
    return f"{value:.{digits}g}"


def counted(count: int, unit: str) -> str:
    """A number of things: 1 step, 2 steps."""
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def power(decades: float) -> str:
    """A ratio as a power of ten, or plainly where that is easier to read: 10^-11.9, 0.24, 3.1."""
    if -2.0 < decades < 3.0:
        return f"{10.0**decades:.2g}"
    return f"10^{decades:.1f}" if math.isfinite(decades) else number(decades)


def percent(share: float) -> str:
    """A share in percent; to two digits where it is under one."""
    value = 100 * share
    if not math.isfinite(value):
        return number(value)
    return f"{value:.0f} %" if abs(value) >= 1 or value == 0 else f"{value:.2g} %"


def listed(names: Sequence[str], limit: int = 4) -> str:
    """Names as a list, the rest counted."""
    shown = ", ".join(f"`{name}`" for name in names[:limit])
    return f"{shown} and {len(names) - limit} more" if len(names) > limit else shown


def cause_words(cause: str, profile: DepthProfile) -> str:
    """A cause of the ledger in words; for activations, which function."""
    if cause != "activation":
        return _CAUSE_WORDS[cause]
    return f"{profile.functions[0]} derivatives" if len(profile.functions) == 1 else "activation derivatives"


def metric_words(evaluation: Evaluation) -> str:
    """The held-out result beside chance."""
    name = "accuracy" if evaluation.metric == "accuracy" else "mean squared error"
    return f"held-out {name} {number(evaluation.after)}, {number(evaluation.chance)} by chance"


UNTRIED = " None of these has been tried on this network."


def untried(remedies: Sequence[str]) -> str:
    """What could be tried, said as what it is: a suggestion."""
    if not remedies:
        return ""
    others = ", ".join(f"`{name}`" for name in remedies[1:])
    return (
        f"Worth trying first: `{remedies[0]}`. {REMEDIES[remedies[0]].description}"
        f"{f' Then: {others}.' if others else ''}{UNTRIED}"
    )
