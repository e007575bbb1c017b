"""Which layers have weights, and which weights."""

from collections.abc import Sequence

from torch import nn

from workers.probes.trace import LayerInfo


def owner(parameter: str, layers: Sequence[LayerInfo]) -> str | None:
    """The innermost of `layers` that holds the parameter of that name."""
    holders = [layer.name for layer in layers if parameter.startswith(layer.name + ".")]
    return max(holders, key=len, default=None)


def weight_layers(network: nn.Module, layers: Sequence[LayerInfo]) -> dict[str, list[str]]:
    """For each layer with a weight matrix (or tensor), in the order of the forward pass, the names of its
    parameters.

    Layers that have only vectors are left out: the gains of normalisations say nothing about depth.
    """
    found: dict[str, list[str]] = {layer.name: [] for layer in layers}
    with_weights = set()
    for name, parameter in network.named_parameters():
        holder = owner(name, layers)
        if holder is not None:
            found[holder].append(name)
            if parameter.dim() >= 2:
                with_weights.add(holder)
    return {layer: names for layer, names in found.items() if layer in with_weights}
