"""Convolutions."""

from torch import Generator, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers.convolution import Conv1d, Conv2d, Convolution
from workers.models.initialization import initialize_weight_and_bias
from workers.models.over_time import Conv1dOverTime
from workers.models.registry import builds


@builds(Conv1d)
def _conv1d(spec: Conv1d, plan: PlannedLayer, generator: Generator) -> nn.Module:
    return _convolution(Conv1dOverTime, spec, plan, generator)


@builds(Conv2d)
def _conv2d(spec: Conv2d, plan: PlannedLayer, generator: Generator) -> nn.Module:
    return _convolution(nn.Conv2d, spec, plan, generator)


def _convolution(
    kind: type[nn.Conv1d] | type[nn.Conv2d], spec: Convolution, plan: PlannedLayer, generator: Generator
) -> nn.Module:
    module = kind(
        plan.given.features,
        spec.channels,
        spec.kernel_size,
        stride=spec.stride,
        padding=spec.padding_entries(),
        dilation=spec.dilation,
        groups=spec.groups,
        bias=spec.bias,
    )
    initialize_weight_and_bias(module.weight, module.bias, spec, generator)
    return module
