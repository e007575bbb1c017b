"""The layers of a model spec: one class per op, with its shape rule and its number of parameters."""

from service.contract.layers.base import LayerError, LayerSpec, ParametricLayer
from service.contract.layers.containers import (
    LAYER_TYPES,
    HighwayGate,
    Layer,
    LayerList,
    LearnedScale,
    Repeat,
    Residual,
)

__all__ = [
    "LAYER_TYPES",
    "HighwayGate",
    "Layer",
    "LayerError",
    "LayerList",
    "LayerSpec",
    "LearnedScale",
    "ParametricLayer",
    "Repeat",
    "Residual",
]
