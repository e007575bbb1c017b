"""Which layers have weights, and which weights."""

from collections.abc import Sequence

from torch import nn

from workers.probes.trace import LayerInfo


def owner(parameter: str, layers: Sequence[LayerInfo]) -> str | None:
    """The innermost of `layers` that holds the parameter of that name."""
    holders = [layer.name for layer in layers if parameter.startswith(layer.name + ".")]
    return max(holders, key=len, default=None)


def weight_layers(network: nn.Module, layers: Sequence[LayerInfo]) -> dict[str, list[str]]:
    """For each layer with weight matrices (or tensors), in the order of the forward pass, their names.

    Vectors are left out: biases, and the gains of normalisations, say nothing about depth.
    """
    found: dict[str, list[str]] = {layer.name: [] for layer in layers}
    for name, parameter in network.named_parameters():
        holder = owner(name, layers)
        if holder is not None and parameter.dim() >= 2:
            found[holder].append(name)
    return {layer: names for layer, names in found.items() if names}
