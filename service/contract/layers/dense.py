"""Linear layers, embeddings and positions."""

from typing import Literal, Self

from pydantic import Field, model_validator

from service.contract.layers.base import LayerError, ParametricLayer, Size, Switch, require
from service.contract.layers.initializers import BiasInit, Init, Normal, TorchDefault
from service.contract.shapes import Signal

Units = Size | Literal["targets"]
"""A number of units, or as many as the data's targets need."""


class WeightedLayer(ParametricLayer):
    """A layer with a weight matrix (or kernel) and a bias."""

    init: Init = TorchDefault()
    """Initialiser of the weights: a name, or an object with the name and its parameters."""
    bias: Switch = True
    """Whether it adds a bias."""
    bias_init: BiasInit = TorchDefault()
    """Initialiser of the bias: a name, or an object with the name and its parameters."""

    @model_validator(mode="after")
    def _bias_init_needs_a_bias(self) -> "WeightedLayer":
        if not self.bias and self.bias_init != TorchDefault():
            raise ValueError('"bias_init" is given but "bias" is false')
        return self


class Linear(WeightedLayer):
    """y = Wx + b on the last axis of a vector or a sequence."""

    op: Literal["linear"] = "linear"
    """Its operation."""
    units: Units = Field(examples=[64, "targets"])
    """Number of its outputs; `targets`: as many as the data needs (classes, or 1 for regression)."""

    def resolved(self, targets: int) -> Self:
        return self.model_copy(update={"units": targets}) if self.units == "targets" else self

    def output(self, given: Signal) -> Signal:
        require(given, "vector", "sequence")
        if self.units == "targets":
            raise LayerError("stands for a number that is not known here", "units")
        return Signal((*given.shape[:-1], self.units))

    def parameter_count(self, given: Signal) -> int:
        return (given.features + self.bias) * self.output(given).features


class Embedding(ParametricLayer):
    """Replaces each token by a vector: tokens (time,) become a sequence (time, units).

    The size of its table is the data's vocabulary.
    """

    op: Literal["embedding"] = "embedding"
    """Its operation."""
    units: Size = Field(examples=[64])
    """Length of the vectors."""
    init: Init = TorchDefault()
    """Initialiser of the vectors; `torch_default` is N(0, 1)."""

    def output(self, given: Signal) -> Signal:
        if given.kind != "tokens":
            raise LayerError(
                f"needs tokens (whole numbers) but is given the {given.kind} {given} of real numbers"
            )
        return Signal((*given.shape, self.units))

    def parameter_count(self, given: Signal) -> int:
        return (given.vocabulary or 0) * self.units


class PositionalEncoding(ParametricLayer):
    """Adds to each step of a sequence a vector that tells its position: attention alone sees no order.

    `sinusoidal`: fixed sines and cosines (Vaswani et al. 2017, §3.5). `learned`: one parameter vector a step.
    """

    op: Literal["positional_encoding"] = "positional_encoding"
    """Its operation."""
    encoding: Literal["sinusoidal", "learned"] = "sinusoidal"
    """Fixed sines and cosines, or learned vectors."""
    init: Init = Normal(std=0.02)
    """For `learned`: initialiser of the vectors."""

    def output(self, given: Signal) -> Signal:
        require(given, "sequence")
        return given

    def parameter_count(self, given: Signal) -> int:
        return given.size if self.encoding == "learned" else 0
