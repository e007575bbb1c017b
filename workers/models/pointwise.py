"""Activation functions and dropout."""

from collections.abc import Callable

from torch import Generator, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers.pointwise import Activation, ActivationFunction, Dropout
from workers.models.registry import builds

FUNCTIONS: dict[ActivationFunction, Callable[[Activation], nn.Module]] = {
    "sigmoid": lambda _: nn.Sigmoid(),
    "tanh": lambda _: nn.Tanh(),
    "relu": lambda _: nn.ReLU(),
    "leaky_relu": lambda spec: nn.LeakyReLU(0.01 if spec.negative_slope is None else spec.negative_slope),
    "elu": lambda spec: nn.ELU(1.0 if spec.alpha is None else spec.alpha),
    "selu": lambda _: nn.SELU(),
    "gelu": lambda _: nn.GELU(),
    "silu": lambda _: nn.SiLU(),
    "softplus": lambda _: nn.Softplus(),
    "hardtanh": lambda _: nn.Hardtanh(),
    "identity": lambda _: nn.Identity(),
}
"""What makes the module of each activation function."""


@builds(Activation)
def _activation(spec: Activation, _plan: PlannedLayer, _generator: Generator) -> nn.Module:
    return FUNCTIONS[spec.function](spec)


@builds(Dropout)
def _dropout(spec: Dropout, _plan: PlannedLayer, _generator: Generator) -> nn.Module:
    return nn.Dropout(spec.probability)
