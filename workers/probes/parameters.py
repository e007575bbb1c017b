"""Which parameters are a layer's weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import nn

from workers.probes.samples import Layout, share_out
from workers.probes.trace import FloatArray, LayerInfo


@dataclass(frozen=True)
class LayerWeights:
    """The trained parameters of a network, and those among them that are the weights of a measured layer.

    A layer's weights are its own parameters other than biases (a name with `bias` in it), or its biases if it
    has nothing else. Fresh biases are zero and would make every share and ratio meaningless.
    """

    parameters: tuple[nn.Parameter, ...]
    """All trained parameters."""
    members: tuple[tuple[int, ...], ...]
    """For each layer, which of `parameters` are its weights."""

    @classmethod
    def of(cls, network: nn.Module, layers: Sequence[LayerInfo]) -> "LayerWeights":
        named = [(name, p) for name, p in network.named_parameters() if p.requires_grad]
        owned: list[list[int]] = [[] for _ in layers]
        for number, (name, _) in enumerate(named):
            owner = _owner(name, layers)
            if owner is not None:
                owned[owner].append(number)
        members = []
        for numbers in owned:
            weights = [n for n in numbers if "bias" not in named[n][0].rpartition(".")[2]]
            members.append(tuple(weights or numbers))
        return cls(tuple(p for _, p in named), tuple(members))

    @property
    def flat_members(self) -> list[int]:
        """Members of all layers, one after another."""
        return [number for numbers in self.members for number in numbers]

    def entries(self) -> list[int]:
        """Number of weights of each layer."""
        return [sum(self.parameters[n].numel() for n in numbers) for numbers in self.members]

    def layouts(self) -> list[list[Layout]]:
        """How each layer's weights are sampled: tensors give in proportion to their size."""
        layouts = []
        for numbers in self.members:
            entries = [self.parameters[n].numel() for n in numbers]
            layouts.append([Layout.of(n, s) for n, s in zip(entries, share_out(entries), strict=True)])
        return layouts

    def initial_std(self) -> FloatArray:
        """(layers,) standard deviation of each layer's weights as they are now; NaN for layers without
        any."""
        stds = []
        for numbers in self.members:
            if numbers:
                flat = torch.cat([self.parameters[n].detach().flatten().double() for n in numbers])
                stds.append(flat.std(correction=0))
            else:
                stds.append(torch.tensor(float("nan"), dtype=torch.float64))
        together: FloatArray = torch.stack([std.cpu() for std in stds]).numpy()
        return together


def _owner(parameter: str, layers: Sequence[LayerInfo]) -> int | None:
    """The innermost measured layer that holds the parameter."""
    holders = [i for i, layer in enumerate(layers) if parameter.startswith(layer.name + ".")]
    return max(holders, key=lambda i: len(layers[i].name), default=None)
