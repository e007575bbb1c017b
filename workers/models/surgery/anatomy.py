"""What a forward pass shows of a network's modules: which works on what which other one made."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workers.probes.survey import in_evaluation_mode
from workers.probes.taps import first_tensor
from workers.probes.trace import LayerInfo
from workers.uploads.layers import describe_layers

WEIGHTED = frozenset({"linear", "conv1d", "conv2d", "conv3d"})
NORMS = frozenset({"batch_norm", "layer_norm", "group_norm", "instance_norm", "rms_norm"})
WATCHED_SAMPLES = 8


@dataclass(frozen=True, eq=False)
class Part:
    """A measured layer at work."""

    info: LayerInfo
    module: nn.Module
    given: Tensor
    """A batch of its input."""
    output: Tensor
    """What it made of it."""

    @property
    def keeps_shape(self) -> bool:
        return self.given.shape == self.output.shape


class Anatomy:
    """The parts of a network, in the order in which they finish; without those that work more than once."""

    def __init__(self, network: nn.Module, inputs: Tensor) -> None:
        few = inputs[:WATCHED_SAMPLES]
        self.layers = describe_layers(network, few)
        parts = _watched(network, self.layers, few)
        passes = Counter(id(part.module) for part in parts)
        self.parts = [part for part in parts if passes[id(part.module)] == 1]
        self.shared = [part for part in parts if passes[id(part.module)] > 1]
        weighted = [part for part in parts if part.info.op in WEIGHTED]
        self.head = next((part for part in reversed(weighted) if part.info.on_spine), None)

    def hidden(self, *ops: str) -> list[Part]:
        """Parts of these operations before the layer that makes the outputs."""
        before = self.parts[: self.parts.index(self.head)] if self.head in self.parts else self.parts
        return [part for part in before if part.info.op in ops]

    def maker(self, part: Part) -> Part | None:
        """The part whose output this one works on, dropout between them left out."""
        before = self.parts[: self.parts.index(part)]
        made = next((p for p in reversed(before) if p.output is part.given), None)
        return self.maker(made) if made is not None and made.info.op == "dropout" else made

    def taker(self, part: Part) -> Part | None:
        """The first part that works on what this one made."""
        index = self.parts.index(part)
        return next((p for p in self.parts[index + 1 :] if p.given is part.output), None)


def _watched(network: nn.Module, layers: Sequence[LayerInfo], inputs: Tensor) -> list[Part]:
    parts: list[Part] = []
    handles = []
    for info in layers:
        module = network.get_submodule(info.name)

        def note(module: nn.Module, args: Any, output: Any, info: LayerInfo = info) -> None:
            given, made = first_tensor(args), first_tensor(output)
            if given is not None and made is not None:
                parts.append(Part(info, module, given, made))

        handles.append(module.register_forward_hook(note))
    try:
        with in_evaluation_mode(network), torch.no_grad():
            network(inputs)
    finally:
        for handle in handles:
            handle.remove()
    return parts


def replace(network: nn.Module, module: nn.Module, by: nn.Module) -> None:
    """Put another module wherever this one stands."""
    places = [
        (parent, name)
        for parent in network.modules()
        for name, child in parent._modules.items()
        if child is module and parent is not by
    ]
    for parent, name in places:
        parent._modules[name] = by
