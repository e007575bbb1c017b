"""Dead units: units of an activation that are zero for every sample."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from workers.probes.survey import in_evaluation_mode
from workers.probes.trace import FloatArray

SAMPLES = 512
"""Counting zeros batch by batch calls healthy ReLU layers dead; over this many samples a live unit shows."""


def dead_units(
    network: nn.Module, activations: Mapping[int, nn.Module], layers: int, batches: Sequence[Tensor]
) -> FloatArray:
    """Share of units, (layers,), that are exactly zero for every sample of `batches`; NaN for other layers.

    A unit is a channel of (batch, channels, height, width), else an entry of the last dimension. Runs in
    evaluation mode without gradients: neither buffers nor random numbers change. Of a module that is called
    several times in a pass, the first call counts. At least SAMPLES samples, or
    all that the data set has, should be given.
    """
    alive: dict[int, Tensor] = {}
    passed: set[int] = set()

    def watch(layer: int) -> Any:
        def hook(_module: nn.Module, _args: Any, output: Tensor) -> None:
            if layer in passed:
                return
            passed.add(layer)
            fired = _ever_non_zero(output)
            alive[layer] = alive[layer] | fired if layer in alive else fired

        return hook

    handles = [module.register_forward_hook(watch(layer)) for layer, module in activations.items()]
    handles.append(network.register_forward_pre_hook(lambda *_: passed.clear()))
    try:
        with in_evaluation_mode(network), torch.no_grad():
            for batch in batches:
                network(batch)
    finally:
        for handle in handles:
            handle.remove()
    shares = np.full(layers, np.nan)
    for layer, fired in alive.items():
        shares[layer] = 1.0 - float(fired.float().mean())
    return shares


def _ever_non_zero(output: Tensor) -> Tensor:
    """(units,) whether each was other than zero anywhere; NaN counts as alive."""
    units = 1 if output.dim() == 4 else output.dim() - 1
    others = [dim for dim in range(output.dim()) if dim != units]
    return (output != 0).flatten() if not others else (output != 0).any(dim=others)
