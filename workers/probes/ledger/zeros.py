"""Where the gradient becomes exactly zero."""

import math
from collections.abc import Mapping, Sequence

from torch.autograd.graph import Node

from workers.probes.ledger.attribution import Attribution, Zero, is_leaf
from workers.probes.ledger.causes import CAUSES
from workers.probes.ledger.graph import Place
from workers.probes.ledger.measured import ZeroGradient
from workers.probes.trace import LayerInfo

MAX_ZEROS = 64
"""Most operations that are looked at and listed."""


def zero_gradients(
    step: int,
    found: Attribution,
    layers: Sequence[LayerInfo],
    places: Sequence[Place | None],
    owned: Mapping[Node, int],
    leaves: Mapping[str, Place],
) -> list[ZeroGradient]:
    """The operations that pass on nothing, each once, if for that a layer's output or a parameter gets no
    gradient at all. (One that blocks a detour only, as the first time step's empty state does, is none.)
    Those that starve a single parameter come last."""
    lost = {p: entry for p, entry in found.entries.items() if entry.log_norm == -math.inf}
    outputs = {place.node for place in places if place in lost}
    parameters = {place.node: name for name, place in leaves.items() if place in lost}
    listed: dict[ZeroGradient, None] = {}
    for zero in found.zeros[:MAX_ZEROS]:
        silenced = _silenced(zero, found)
        layer = owned.get(zero.node)
        starved = next((parameters[node] for node in silenced if node in parameters), None)
        signal = any(node in outputs for node in silenced)
        if not signal and starved is None:
            continue
        described = ZeroGradient(
            step=step,
            layer=None if layer is None else layers[layer].name,
            operation=zero.node.name(),
            cause=list(CAUSES)[found.causes[zero.node]],
            parameter=None if signal else starved,
        )
        listed[described] = None
    return sorted(listed, key=lambda each: each.parameter is not None)


def _silenced(zero: Zero, found: Attribution) -> list[Node]:
    """What gets its gradient only by way of what got nothing: the nodes that zeros reach, and the parameters
    at their ends."""
    silenced, pending = {zero.below: None}, [zero.below]
    while pending:
        for below, _ in pending.pop().next_functions:
            if below is not None and below not in silenced and (below in found.silent or is_leaf(below)):
                silenced[below] = None
                pending.append(below)
    return list(silenced)
