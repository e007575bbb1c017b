"""Layers that make a sample smaller without weights."""

from torch import Generator, Tensor, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers.pooling import AvgPool, Flatten, GlobalAvgPool, MaxPool
from workers.models.over_time import AvgPoolOverTime, MaxPoolOverTime
from workers.models.registry import builds


@builds(MaxPool)
def _max_pool(spec: MaxPool, plan: PlannedLayer, _generator: Generator) -> nn.Module:
    kind = MaxPoolOverTime if plan.given.kind == "sequence" else nn.MaxPool2d
    return kind(spec.kernel_size, spec.stride, spec.padding)


@builds(AvgPool)
def _avg_pool(spec: AvgPool, plan: PlannedLayer, _generator: Generator) -> nn.Module:
    kind = AvgPoolOverTime if plan.given.kind == "sequence" else nn.AvgPool2d
    return kind(spec.kernel_size, spec.stride or spec.kernel_size, spec.padding)


class Mean(nn.Module):
    """The mean over some axes."""

    def __init__(self, axes: tuple[int, ...]) -> None:
        super().__init__()
        self.axes = axes

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.mean(self.axes)


@builds(GlobalAvgPool)
def _global_avg_pool(_spec: GlobalAvgPool, plan: PlannedLayer, _generator: Generator) -> nn.Module:
    return Mean((1,) if plan.given.kind == "sequence" else (2, 3))


@builds(Flatten)
def _flatten(_spec: Flatten, _plan: PlannedLayer, _generator: Generator) -> nn.Module:
    return nn.Flatten()
