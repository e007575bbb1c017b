"""Data-dependent initialisation: each layer's weights are scaled by what it makes of training samples."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from service.contract.training_plan import DataInitialization
from workers.models.over_time import Conv1dOverTime
from workers.probes.trace import LayerInfo
from workers.training.data import TrainingData
from workers.training.errors import TrainingError
from workers.training.levels import levels_of, made_by

SCALED = frozenset({"linear", "conv1d", "conv2d", "conv3d"})
"""The layers that are scaled: those whose output is linear in their weight."""
SMALLEST_SPREAD = 1e-12
"""A layer whose output varies less is left as it is: nothing arrives there that could be scaled."""


@torch.no_grad()
def initialize_from_data(
    network: nn.Module,
    layers: Sequence[LayerInfo],
    dataset: TrainingData,
    plan: DataInitialization,
    seed: int,
    device: torch.device,
) -> None:
    """Scale the weights of all linear and convolutional layers but the last, in the order of the forward
    pass, so that each one's output has variance 1 over samples, positions and units; first, if it is to be
    centred and has a bias, set the bias so that each unit's mean is 0.

    Layer-sequential unit variance (Mishkin & Matas 2016) with centring (as Krähenbühl et al. 2016). A layer's
    output is linear in its weight, so that one pass is exact. The output layer stays as it is, since the loss
    has its own scale. Raises TrainingError if there is no such layer.
    """
    inputs = _samples(dataset, plan.samples, seed).to(device)
    names = _scaled_layers(network, layers)
    if not names:
        raise TrainingError("there is no linear or convolutional layer before the last that could be scaled")
    for name in names:
        module = network.get_submodule(name)
        _scale(module, made_by(network, module, inputs), centred=plan.centred)


def _samples(dataset: TrainingData, count: int, seed: int) -> Tensor:
    generator = torch.Generator().manual_seed(seed)
    return dataset.train_inputs[torch.randperm(len(dataset.train_inputs), generator=generator)[:count]]


def _scaled_layers(network: nn.Module, layers: Sequence[LayerInfo]) -> list[str]:
    """Names of the layers to scale. Frozen ones stay, and so does the level that makes the outputs."""
    levels = levels_of(network, layers)
    last = {id(parameter) for parameter in (levels[-1].parameters if levels else ())}
    return [layer.name for layer in layers if layer.op in SCALED and _fits(network, layer.name, last)]


def _fits(network: nn.Module, name: str, last: set[int]) -> bool:
    weight = getattr(network.get_submodule(name), "weight", None)
    return (
        isinstance(weight, nn.Parameter)
        and weight.dim() >= 2
        and weight.requires_grad
        and id(weight) not in last
    )


def _scale(module: nn.Module, output: Tensor, *, centred: bool) -> None:
    weight, bias = module.get_parameter("weight"), getattr(module, "bias", None)
    axis = output.dim() - 1 if weight.dim() == 2 or isinstance(module, Conv1dOverTime) else 1
    units = output.double().movedim(axis, -1).flatten(0, -2)
    movable = centred and isinstance(bias, nn.Parameter)
    mean = units.mean(0) if movable else torch.zeros_like(units[0])
    spread = float((units - mean).std(correction=0)) if movable else float(units.std(correction=0))
    if not spread > SMALLEST_SPREAD:
        return
    weight.div_(spread)
    if isinstance(bias, nn.Parameter):
        bias.sub_(mean.to(bias.dtype)).div_(spread)
