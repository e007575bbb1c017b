"""Which layers of a network that nobody planned are measured: found by watching one forward pass."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn
from torch.autograd.graph import Node

from workers.probes.survey import in_evaluation_mode
from workers.probes.taps import first_tensor
from workers.probes.trace import LayerInfo
from workers.uploads.kinds import Kind, kind_of

MOST_LAYERS = 4096
"""Of a larger network, those are measured that finish first."""


@dataclass(frozen=True)
class _Sight:
    """A module as the pass finished it for the first time."""

    name: str
    module: nn.Module
    output: Tensor
    node: Node | None
    """What computed the output; later changes in place do not matter."""
    container: bool


def describe_layers(network: nn.Module, inputs: Tensor) -> tuple[LayerInfo, ...]:
    """The layers of any network, in the order in which the forward pass finishes them.

    Layers are the modules without children, and those others whose output is not just that of a layer within:
    residual blocks, and modules that compute something themselves. `inputs` is a batch, (samples, …).
    """
    sights, output, given = _watch_forward(network, inputs)
    layers = _chosen(sights)[:MOST_LAYERS]
    spine = _Spine.of(first_tensor(output), given)
    inside = [spine.holds(sight.node) for sight in layers]
    owned = _owned_parameters(network, [sight.name for sight in layers])
    infos = []
    for index, sight in enumerate(layers):
        on_spine = inside[index]
        branches = any(
            not inside[i] for i, other in enumerate(layers[:index]) if other.name.startswith(sight.name + ".")
        )
        kind = Kind("residual") if sight.container and on_spine and branches else kind_of(sight.module)
        parameters = owned[sight.name]
        infos.append(
            LayerInfo(
                name=sight.name,
                op=kind.op,
                function=kind.function,
                parameters=sum(parameter.numel() for parameter in parameters),
                trainable=any(parameter.requires_grad for parameter in parameters),
                on_spine=on_spine,
                output_shape=tuple(sight.output.shape[1:]),
            )
        )
    return tuple(infos)


def _watch_forward(network: nn.Module, inputs: Tensor) -> tuple[list[_Sight], Any, Tensor]:
    """What finished in which order, the output, and the inputs that the graph leads back to."""
    given = inputs.detach().clone()
    given.requires_grad_(given.is_floating_point())
    sights: dict[str, _Sight] = {}
    handles = []
    for name, module in network.named_modules():
        if name:
            handles.append(module.register_forward_hook(_note(sights, name)))
    try:
        with in_evaluation_mode(network), torch.enable_grad():
            output = network(given)
    finally:
        for handle in handles:
            handle.remove()
    return list(sights.values()), output, given


def _note(sights: dict[str, _Sight], name: str) -> Any:
    def hook(module: nn.Module, _args: Any, output: Any) -> None:
        tensor = first_tensor(output)
        if tensor is not None and tensor.dim() > 0 and name not in sights:
            container = next(module.children(), None) is not None
            sights[name] = _Sight(name, module, tensor, tensor.grad_fn, container)

    return hook


def _chosen(sights: Sequence[_Sight]) -> list[_Sight]:
    """Not by the tensors' identities: an operation in place gives back the tensor that it was given."""
    results: set[object] = set()
    chosen = []
    for sight in sights:
        result = sight.node or id(sight.output)
        if not sight.container or result not in results:
            chosen.append(sight)
            results.add(result)
    return chosen


def _owned_parameters(network: nn.Module, names: Sequence[str]) -> Mapping[str, list[nn.Parameter]]:
    """Each parameter belongs to the innermost of the layers that hold it."""
    owned: dict[str, list[nn.Parameter]] = {name: [] for name in names}
    for path, parameter in network.named_parameters():
        holder = path.rpartition(".")[0]
        while holder and holder not in owned:
            holder = holder.rpartition(".")[0]
        if holder:
            owned[holder].append(parameter)
    return owned


@dataclass(frozen=True)
class _Spine:
    """The nodes of a graph that every path from the output to the inputs passes.

    A node is one if the number of paths through it is that of all paths. They are counted exactly: in a deep
    network there are more than any machine number holds.
    """

    paths: int = 0
    to_node: Mapping[Node, int] = field(default_factory=dict)
    """Paths from the output."""
    onwards: Mapping[Node, int] = field(default_factory=dict)
    """Paths to the inputs."""

    @classmethod
    def of(cls, output: Tensor | None, given: Tensor) -> "_Spine":
        root = output.grad_fn if output is not None else None
        if root is None:
            return cls()
        order = _topological(root)
        ends = {node for node in order if _is_end(node, given)}
        onwards: dict[Node, int] = {}
        for node in reversed(order):
            onwards[node] = 1 if node in ends else sum(onwards[below] for below in _below(node))
        to_node = dict.fromkeys(order, 0)
        to_node[root] = 1
        for node in order:
            for below in _below(node) if node not in ends else ():
                to_node[below] += to_node[node]
        return cls(onwards[root], to_node, onwards)

    def holds(self, node: Node | None) -> bool:
        if node is None or node not in self.to_node:
            return False
        return 0 < self.paths == self.to_node[node] * self.onwards[node]


def _is_end(node: Node, given: Tensor) -> bool:
    """Whether the inputs enter the graph here; tokens do so at embeddings."""
    if given.is_floating_point():
        return getattr(node, "variable", None) is given
    return node.name().startswith("EmbeddingBackward")


def _below(node: Node) -> Iterator[Node]:
    return (below for below, _ in node.next_functions if below is not None)


def _topological(root: Node) -> list[Node]:
    """Each node before those below it."""
    finished: dict[Node, None] = {}
    begun = {root}
    pending = [(root, _below(root))]
    while pending:
        node, rest = pending[-1]
        below = next(rest, None)
        if below is None:
            finished[node] = None
            pending.pop()
        elif below not in begun:
            begun.add(below)
            pending.append((below, _below(below)))
    return list(reversed(finished))
