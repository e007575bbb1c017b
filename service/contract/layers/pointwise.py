"""Layers that act on each entry alone: activation functions and dropout."""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from service.contract.layers.base import LayerSpec, require
from service.contract.shapes import Signal

ActivationFunction = Literal[
    "sigmoid",
    "tanh",
    "relu",
    "leaky_relu",
    "elu",
    "selu",
    "gelu",
    "silu",
    "softplus",
    "hardtanh",
    "identity",
]
"""The activation functions."""


class Activation(LayerSpec):
    """An activation function."""

    op: Literal["activation"] = "activation"
    """Its operation."""
    function: ActivationFunction = Field(examples=["relu"])
    """The function."""
    negative_slope: Annotated[float, Field(ge=0.0, le=1.0)] | None = None
    """For `leaky_relu`: the slope below zero; null: 0.01."""
    alpha: Annotated[float, Field(gt=0.0, le=1e3)] | None = None
    """For `elu`: minus the value it tends to; null: 1."""

    @model_validator(mode="after")
    def _parameters_belong_to_the_function(self) -> "Activation":
        for name, owner in (("negative_slope", "leaky_relu"), ("alpha", "elu")):
            if getattr(self, name) is not None and self.function != owner:
                raise ValueError(f'"{name}" is a parameter of {owner}; {self.function} has none of that name')
        return self

    def output(self, given: Signal) -> Signal:
        require(given, "vector", "sequence", "image")
        return given


class Dropout(LayerSpec):
    """While training, sets entries to zero at random and scales the others up to keep the mean."""

    op: Literal["dropout"] = "dropout"
    """Its operation."""
    probability: float = Field(default=0.5, ge=0.0, lt=1.0)
    """Share of entries set to zero."""

    def output(self, given: Signal) -> Signal:
        require(given, "vector", "sequence", "image")
        return given
