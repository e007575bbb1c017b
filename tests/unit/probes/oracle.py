"""What a step should measure, computed independently: retained gradients of a twin network, in NumPy."""

import copy
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from workers.probes.trace import LayerInfo


@dataclass
class Truth:
    outputs: list[Tensor | None] = field(default_factory=list)
    deltas: list[Tensor | None] = field(default_factory=list)
    input_deltas: list[Tensor | None] = field(default_factory=list)
    """Of what passes back through the layer alone: the vector-Jacobian product of its own forward pass."""


def one_step(network: nn.Module, layers: tuple[LayerInfo, ...], inputs: Tensor, targets: Tensor) -> Truth:
    """Forward and backward in training mode on a deep copy, drawing the same random numbers."""
    twin = copy.deepcopy(network).train()
    seen: dict[str, tuple[Tensor, Tensor]] = {}
    for layer in layers:
        module = twin.get_submodule(layer.name)

        def hook(_m: nn.Module, args: tuple[Tensor, ...], output: Tensor, name: str = layer.name) -> None:
            if output.requires_grad:
                output.retain_grad()
            seen[name] = (args[0], output)

        module.register_forward_hook(hook)
    state = torch.get_rng_state()
    functional.cross_entropy(twin(inputs), targets).backward(retain_graph=True)
    truth = Truth()
    for layer in layers:
        taken, given = seen[layer.name]
        truth.outputs.append(given.detach())
        truth.deltas.append(given.grad)
        truth.input_deltas.append(_through(taken, given))
    torch.set_rng_state(state)
    return truth


def _through(taken: Tensor, given: Tensor) -> Tensor | None:
    """The gradient at `taken` by way of `given` alone."""
    if not taken.requires_grad or given.grad is None:
        return None
    return torch.autograd.grad(given, taken, given.grad, retain_graph=True)[0]


def norm(tensor: Tensor | None) -> float:
    return float("nan") if tensor is None else float(np.linalg.norm(tensor.double().numpy()))
