"""Attention."""

from typing import Literal

from pydantic import Field

from service.contract.layers.base import LayerError, Size, Switch, require
from service.contract.layers.dense import WeightedLayer
from service.contract.shapes import Signal


class Attention(WeightedLayer):
    """Multi-head self-attention over a sequence (time, features) (Vaswani et al. 2017, §3.2).

    It keeps the shape. Query, key, value and output projections are features × features each.
    """

    op: Literal["attention"] = "attention"
    """Its operation."""
    heads: Size = Field(default=1, examples=[4])
    """Number of heads; must divide the features."""
    causal: Switch = False
    """Whether a step sees only itself and earlier steps."""

    def output(self, given: Signal) -> Signal:
        require(given, "sequence")
        if given.features % self.heads:
            raise LayerError(
                f"{self.heads} heads do not divide the {given.features} features of {given}", "heads"
            )
        return given

    def parameter_count(self, given: Signal) -> int:
        return 4 * given.features * (given.features + self.bias)

    def kept_values(self, given: Signal) -> int:
        return 5 * given.size + 2 * self.heads * given.shape[0] ** 2
