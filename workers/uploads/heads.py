"""Parts of a network that lead only to outputs which are not trained on."""

import copy
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from workers.probes.survey import in_evaluation_mode


def freeze_other_heads(network: nn.Module, inputs: Tensor, *, training_mode: bool) -> None:
    """Do not train the parameters that lead to another output, and not to the chosen one: they would be
    taken for parameters that are cut off by mistake. `inputs` is a batch, (samples, …)."""
    own, others = _reached(network, inputs, training_mode=training_mode)
    for name, parameter in network.named_parameters():
        if name in others - own:
            parameter.requires_grad_(False)


def _reached(network: nn.Module, inputs: Tensor, *, training_mode: bool) -> tuple[set[str], set[str]]:
    """The names of parameters that the chosen output depends on, and of those that any does. Networks give
    some outputs only while they are trained, and change their statistics: a copy runs."""
    twin = copy.deepcopy(network)
    given: list[Any] = []
    twin.register_forward_hook(lambda _module, _args, output: given.append(output), prepend=True)
    with torch.enable_grad():
        if training_mode:
            chosen = twin.train()(inputs)
        else:
            with in_evaluation_mode(twin):
                chosen = twin(inputs)
    return _parameters_of(twin, [chosen]), _parameters_of(twin, list(_tensors(given)))


def _parameters_of(network: nn.Module, outputs: Sequence[Tensor]) -> set[str]:
    trained = {name: each for name, each in network.named_parameters() if each.requires_grad}
    sums = [output.sum() for output in outputs if output.requires_grad and output.is_floating_point()]
    if not sums:
        return set()
    found = torch.autograd.grad(sums, list(trained.values()), allow_unused=True, retain_graph=True)
    return {name for name, gradient in zip(trained, found, strict=True) if gradient is not None}


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, Mapping):
        yield from _tensors(list(value.values()))
    elif isinstance(value, list | tuple):
        for item in value:
            yield from _tensors(item)
