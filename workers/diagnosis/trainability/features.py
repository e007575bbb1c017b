"""What the prediction rests on: one table for the traces here and for the grid's rows in the fit."""

import math
from collections.abc import Mapping
from dataclasses import dataclass

DIGITS = 4
"""Decimals of a feature; thresholds have more, so a value does not change sides by rounding."""


@dataclass(frozen=True)
class Feature:
    """One number that the prediction rests on."""

    name: str
    low: float
    """Values are clipped to [low, high]: the grid's networks say nothing beyond."""
    high: float
    direction: int
    """+1: more of it never lowers the probability of failure; -1: never raises it; 0: either."""
    description: str
    """What it is, with its unit."""

    def clipped(self, value: float | None) -> float:
        """The value within its range, to DIGITS; NaN where it is not known."""
        if value is None or math.isnan(value):
            return math.nan
        return round(min(max(value, self.low), self.high), DIGITS)


_ALL = (
    Feature(
        "attenuation", 0.0, 15.0, 1,
        "decades by which the backpropagated gradient shrinks from the last hidden weight layer to the first",
    ),
    Feature(
        "amplification", 0.0, 15.0, 1,
        "decades by which the backpropagated gradient grows from the last hidden weight layer to the first",
    ),
    Feature(
        "rank_ratio", 0.0, 1.5, -1,
        "participation ratio of the inputs of the last weight layer, over that of the network's inputs",
    ),
    Feature("depth", 1.0, 6.65, 1, "log2 of the number of weight layers below the last"),
    Feature("adaptive", 0.0, 1.0, 0, "1 for an optimizer that rescales each parameter's step, else 0"),
    Feature("activation_gain", -2.0, 0.3, 0, "mean log10 of the gradient's change through an activation"),
    Feature("output_scale", -6.0, 3.0, 0, "log10 of the outputs' standard deviation over samples"),
    Feature("feature_scale", -6.0, 3.0, 0, "log10 of the root mean square of the last weight layer's inputs"),
    Feature(
        "typical_update", -8.0, 3.0, 0,
        "log10 of the relative change that a step makes to a layer's weights, median of the layers",
    ),
    Feature("smallest_update", -8.0, 3.0, 0, "log10 of the same, smallest of the layers"),
    Feature("loss_ratio_10", -3.0, 3.0, 1, "natural logarithm of the loss at step 10 over the first loss"),
    Feature("loss_10", -3.0, 3.0, 1, "natural logarithm of the loss at step 10 over a constant answer's"),
    Feature("loss_ratio_30", -3.0, 3.0, 1, "natural logarithm of the loss at step 30 over the first loss"),
    Feature("loss_30", -3.0, 3.0, 1, "natural logarithm of the loss at step 30 over a constant answer's"),
)  # fmt: skip

FEATURES: Mapping[str, Feature] = {feature.name: feature for feature in _ALL}

NETWORK = (
    "attenuation", "amplification", "rank_ratio", "depth", "adaptive",
    "activation_gain", "output_scale", "feature_scale",
)  # fmt: skip
"""Known at initialisation, whatever the learning rate."""

_PLAN = (*NETWORK, "typical_update", "smallest_update")

BY_STAGE: Mapping[int, tuple[str, ...]] = {
    0: _PLAN,
    10: (*_PLAN, "loss_ratio_10", "loss_10"),
    30: (*_PLAN, "loss_ratio_10", "loss_ratio_30", "loss_30"),
}
"""Known after so many steps."""

STAGES = tuple(sorted(BY_STAGE))

ENSEMBLES: Mapping[str, tuple[str, ...]] = {
    **{f"plan_{stage}": BY_STAGE[stage] for stage in STAGES},
    **{f"network_{stage}": BY_STAGE[stage] if stage else NETWORK for stage in STAGES},
}
"""What each of the fitted ensembles rests on. `plan`: will this run learn? `network`: would the best of three
learning rates?"""


def update_ratio(learning_rate: float, momentum: float, gradient: float, weight: float) -> float:
    """Relative change of weights of norm `weight` that plain gradient descent heads for: momentum m sums
    to 1 / (1 - m) steps."""
    return learning_rate / (1.0 - momentum) * gradient / weight if weight > 0 else math.nan


def log10_or_floor(value: float) -> float:
    """Decimal logarithm; -inf for zero, NaN for what is negative or not finite."""
    if value == 0:
        return -math.inf
    return math.log10(value) if value > 0 and math.isfinite(value) else math.nan
