"""The backward graph of a loss, and which measured layer each of its nodes belongs to."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import NamedTuple

from torch import Tensor
from torch.autograd.graph import Node

from workers.probes.survey import Survey


class Place(NamedTuple):
    """A tensor in the graph: which of a node's results it is."""

    node: Node
    slot: int


def place_of(tensor: Tensor | None) -> Place | None:
    """Where a computed tensor stands; None for one that no gradient passes through."""
    if tensor is None or tensor.grad_fn is None:
        return None
    return Place(tensor.grad_fn, tensor.output_nr)


def all_nodes(root: Node, limit: int) -> list[Node] | None:
    """Every node on the way back from `root`; None if they are more than `limit`."""
    found, pending = {root: None}, [root]
    while pending:
        for node, _ in pending.pop().next_functions:
            if node is not None and node not in found:
                found[node] = None
                pending.append(node)
        if len(found) > limit:
            return None
    return list(found)


@contextmanager
def watched(survey: Survey) -> Iterator[list[Place | None]]:
    """Inside, forward passes fill the list: for each tap of the survey, where its tensor stands."""
    places: list[Place | None] = [None] * len(survey.entries)

    def seen(tap: int, tensor: Tensor) -> None:
        places[tap] = place_of(tensor)

    handles = survey.wiring.attach(seen)
    try:
        yield places
    finally:
        for handle in handles:
            handle.remove()


def owners(survey: Survey, places: Sequence[Place | None]) -> dict[Node, int]:
    """For each node, the innermost measured layer whose forward pass made it; the loss has none.

    Layers stand in the order in which they finish, so what lies below a layer's nodes is owned by then, but
    for its input's own node, at which the walk ends.
    """
    owned: dict[Node, int] = {}
    for layer in range(len(survey.modules)):
        output, tap = places[layer], survey.input_tap[layer]
        given = places[tap] if tap is not None else None
        pending = [output.node] if output is not None else []
        while pending:
            node = pending.pop()
            if node in owned:
                continue
            owned[node] = layer
            if given is None or node is not given.node:
                pending += [below for below, _ in node.next_functions if below is not None]
    return owned
