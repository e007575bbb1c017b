"""Residual blocks."""

from collections.abc import Iterable

import torch
from torch import Generator, Tensor, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers import LearnedScale
from service.contract.layers import Residual as ResidualSpec
from workers.models.initialization import fan_in_uniform, initialize
from workers.models.over_time import Conv1dOverTime


class Residual(nn.Module):
    """shortcut(x) + scale · layers(x). Its layers are its children "0", "1", …, as in nn.Sequential."""

    def __init__(
        self, layers: Iterable[nn.Module], shortcut: nn.Module | None, scale: float | nn.Parameter
    ) -> None:
        super().__init__()
        self.depth = 0
        for layer in layers:
            self.add_module(str(self.depth), layer)
            self.depth += 1
        self.shortcut = shortcut
        self.scale = scale

    def forward(self, inputs: Tensor) -> Tensor:
        outputs = inputs
        for index in range(self.depth):
            outputs = self.get_submodule(str(index))(outputs)
        if not (isinstance(self.scale, float) and self.scale == 1.0):
            outputs = self.scale * outputs
        return outputs + (inputs if self.shortcut is None else self.shortcut(inputs))

    def own_parameters(self) -> list[nn.Parameter]:
        """Those of the shortcut and the scale."""
        own = list(self.shortcut.parameters()) if self.shortcut else []
        return own + list(self.parameters(recurse=False))


def build_residual(
    spec: ResidualSpec, plan: PlannedLayer, layers: Iterable[nn.Module], generator: Generator
) -> Residual:
    """A residual block around built layers."""
    shortcut = _projection(spec, plan) if spec.shortcut == "projection" else None
    if shortcut is not None:
        initialize(shortcut.weight, spec.init, fan_in_uniform(shortcut.weight), generator)
    scale = spec.scale
    if isinstance(scale, LearnedScale):
        return Residual(layers, shortcut, nn.Parameter(torch.tensor(scale.learned)))
    return Residual(layers, shortcut, scale)


def _projection(spec: ResidualSpec, plan: PlannedLayer) -> nn.Linear | nn.Conv1d | nn.Conv2d:
    features = (plan.given.features, plan.output.features)
    stride = spec.projection_stride(plan.given, plan.output)
    if plan.given.kind == "image":
        return nn.Conv2d(*features, kernel_size=1, stride=stride, bias=False)
    if stride > 1:
        return Conv1dOverTime(*features, kernel_size=1, stride=stride, bias=False)
    return nn.Linear(*features, bias=False)
