"""Which layers a function holds, before it is made ready to run."""

from collections.abc import Iterator
from typing import Any

from workers.uploads.torchscript.loading import Graph, Node
from workers.uploads.torchscript.operators.layers import RECURRENT, layer_name


def nodes_within(block: Graph) -> Iterator[Node]:
    """All nodes of a graph or block, nested ones too."""
    for node in block.nodes():
        yield node
        for inner in node.blocks():
            yield from nodes_within(inner)
        if node.kind() == "prim::fork":
            yield from nodes_within(node.g("Subgraph"))


def called_functions(block: Graph) -> Iterator[str]:
    """Qualified names of the free functions that a graph calls, once for each call."""
    for node in nodes_within(block):
        if node.kind() == "prim::CallFunction":
            yield str(next(iter(node.inputs())).type())


class Analysis:
    """Answers about the functions of one archive."""

    def __init__(self, unit: Any) -> None:
        self._unit = unit
        self._layers: dict[str, frozenset[str]] = {}

    def layers_of(self, qualified: str) -> frozenset[str]:
        """The layer operators that a free function runs, itself or through others."""
        if qualified not in self._layers:
            self._layers[qualified] = frozenset()
            function = self._unit.find_function(qualified)
            if function is not None:
                self._layers[qualified] = self.layers_in(function.graph)
        return self._layers[qualified]

    def layers_in(self, graph: Graph) -> frozenset[str]:
        """The layer operators that a graph runs."""
        own = {layer_name(node.kind()) for node in nodes_within(graph)} - {None}
        called = (self.layers_of(qualified) for qualified in called_functions(graph))
        return frozenset(name for name in own if name).union(*called)

    def count_layers(self, graph: Graph) -> int:
        """How many layers would become child modules of the graph's owner."""
        own = sum(layer_name(node.kind()) is not None for node in nodes_within(graph))
        return own + sum(min(len(self.layers_of(qualified)), 2) for qualified in called_functions(graph))

    def is_recurrent(self, graph: Graph) -> bool:
        """Whether a graph runs a recurrent operator."""
        return not self.layers_in(graph).isdisjoint(RECURRENT)
