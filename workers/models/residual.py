"""Residual and highway blocks."""

from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers import HighwayGate, LearnedScale
from service.contract.layers import Residual as ResidualSpec
from service.contract.layers.initializers import TorchDefault
from workers.models.initialization import fan_in_uniform, initialize
from workers.models.over_time import Conv1dOverTime


class Residual(nn.Module):
    """shortcut(x) + scale · layers(x), or with a gate T (1 - T(x)) · x + T(x) · scale · layers(x).

    Its layers are its children "0", "1", …, as in nn.Sequential.
    """

    def __init__(
        self,
        layers: Iterable[nn.Module],
        shortcut: nn.Module | None,
        scale: float | nn.Parameter,
        gate: nn.Module | None = None,
    ) -> None:
        super().__init__()
        self.depth = 0
        for layer in layers:
            self.add_module(str(self.depth), layer)
            self.depth += 1
        self.shortcut = shortcut
        self.gate = gate
        self.scale = scale

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = inputs
        for index in range(self.depth):
            outputs = self.get_submodule(str(index))(outputs)
        if not (isinstance(self.scale, float) and self.scale == 1.0):
            outputs = self.scale * outputs
        if self.gate is not None:
            share: Tensor = self.gate(inputs).sigmoid()
            return share * outputs + (1.0 - share) * inputs
        return outputs + (inputs if self.shortcut is None else self.shortcut(inputs))

    def own_parameters(self) -> list[nn.Parameter]:
        """Those of the shortcut, the gate and the scale."""
        own = [parameter for part in (self.shortcut, self.gate) if part for parameter in part.parameters()]
        return own + list(self.parameters(recurse=False))


def build_residual(
    spec: ResidualSpec, plan: PlannedLayer, layers: Iterable[nn.Module], generator: Generator
) -> Residual:
    """A residual block around built layers."""
    shortcut = _projection(spec, plan) if spec.shortcut == "projection" else None
    if shortcut is not None:
        initialize(shortcut.weight, spec.init, fan_in_uniform(shortcut.weight), generator)
    dimensions = 4 if plan.given.kind == "image" else 2
    gate = build_gate(spec.gate, plan.given.features, dimensions, generator) if spec.gate else None
    scale = spec.scale
    if isinstance(scale, LearnedScale):
        return Residual(layers, shortcut, nn.Parameter(torch.tensor(scale.learned)), gate)
    return Residual(layers, shortcut, scale, gate)


def _projection(spec: ResidualSpec, plan: PlannedLayer) -> nn.Linear | nn.Conv1d | nn.Conv2d:
    features = (plan.given.features, plan.output.features)
    stride = spec.projection_stride(plan.given, plan.output)
    if plan.given.kind == "image":
        return nn.Conv2d(*features, kernel_size=1, stride=stride, bias=False)
    if stride > 1:
        return Conv1dOverTime(*features, kernel_size=1, stride=stride, bias=False)
    return nn.Linear(*features, bias=False)


def build_gate(spec: HighwayGate, features: int, dimensions: int, generator: Generator) -> nn.Module:
    """What a highway block's gate makes of its input before the sigmoid: linear on the last axis of a batch
    with 2 dimensions, at each position of one whose channels come second with 3, 4 or 5."""
    kinds = {2: nn.Linear, 3: nn.Conv1d, 4: nn.Conv2d, 5: nn.Conv3d}
    size = () if dimensions == 2 else (1,)
    gate: nn.Module = kinds[dimensions](features, features, *size)
    weight = gate.get_parameter("weight")
    initialize(weight, TorchDefault(), fan_in_uniform(weight), generator)
    nn.init.constant_(gate.get_parameter("bias"), spec.bias)
    return gate
