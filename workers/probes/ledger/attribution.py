"""The exact split of the gradient's log-norm by cause, at every tensor of a backward graph.

For a tensor u with gradient g_u = Σ c_vu, the contributions of the nodes v that use it, and shares
s_vu = ⟨c_vu, g_u⟩ / ‖g_u‖², which sum to 1:

    A_u = Σ_v s_vu (A_v + [cause of v] log(‖c_vu‖ / ‖g_v‖) + [skip] log(‖g_u‖ / ‖c_vu‖))

and, by induction along the graph, the causes of A_u sum to log ‖g_u‖ - log ‖g_root‖.
"""

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.autograd.graph import Node

from workers.probes.ledger.causes import CAUSES, SKIP
from workers.probes.ledger.graph import Place
from workers.probes.trace import FloatArray

CAUSE_INDEX = {cause: index for index, cause in enumerate(CAUSES)}
_SKIP = CAUSE_INDEX[SKIP]


@dataclass(frozen=True)
class Entry:
    """The ledger at one tensor. Natural logarithms."""

    log_norm: float
    """log ‖gradient‖; -inf where it is exactly zero."""
    parts: FloatArray
    """(causes,) what each has added since the root; they sum to log_norm. NaN where log_norm is no number."""


@dataclass(frozen=True)
class Zero:
    """A node that a gradient reaches and that passes on exactly nothing."""

    node: Node
    below: Node
    """What gets nothing, from it or from any other."""


@dataclass
class _Contribution:
    """What one node sends to a tensor below it."""

    sender: Node
    log_sender: float
    """log norm of the gradient at the sender."""
    parts: FloatArray
    """The sender's."""
    gradient: Tensor
    log_norm: float


@dataclass
class Attribution:
    """Fills while the backward pass of `attribute` runs."""

    causes: Mapping[Node, int]
    """Index of each node's cause."""
    wanted: frozenset[Place]
    """Tensors whose entries are kept."""
    entries: dict[Place, Entry] = field(default_factory=dict)
    shares: dict[Node, tuple[float, float]] = field(default_factory=dict)
    """Smallest and largest share where contributions to a node's results meet; outside [0, 1] they cancel."""
    zeros: list[Zero] = field(default_factory=list)
    """In the order of the backward pass."""
    silent: set[Node] = field(default_factory=set)
    """Nodes that an exact zero reaches."""
    unseen: float = 0.0
    """Largest relative difference between a gradient and the contributions that were seen."""
    _inbox: dict[Place, list[_Contribution]] = field(default_factory=lambda: defaultdict(list))

    def start(self, root: Node, gradient: Tensor) -> float:
        """Give the root its gradient. Returns the log of its norm, which all norms include."""
        log_norm = _log_norm(gradient)
        nothing = np.zeros(len(CAUSES))
        self._inbox[Place(root, 0)].append(_Contribution(root, log_norm, nothing, gradient, log_norm))
        return log_norm

    def passed(self, node: Node, sent: Sequence[Tensor | None], came: Sequence[Tensor | None]) -> None:
        """Called by autograd when a node is done: `came` are the gradients of its results, `sent` those it
        sends to its inputs."""
        log_norm, parts = self._together([self.settle(node, slot) for slot in range(max(len(came), 1))])
        self._compare(node, came, log_norm)
        if log_norm == -math.inf:
            self.silent.add(node)
        cause = self.causes[node]
        for (below, slot), gradient in zip(node.next_functions, sent, strict=True):
            if below is not None and gradient is not None and self._matters(below):
                log_sent = _log_norm(gradient)
                changed = parts.copy()
                changed[cause] += log_sent - log_norm
                contribution = _Contribution(node, log_norm, changed, gradient, log_sent)
                self._inbox[Place(below, slot)].append(contribution)

    def _matters(self, below: Node) -> bool:
        """A parameter that nobody asks about need not have its contributions kept until the end."""
        return not is_leaf(below) or Place(below, 0) in self.wanted

    def settle(self, node: Node, slot: int) -> Entry | None:
        """The entry of a tensor all of whose contributions are in; None if there are none."""
        place = Place(node, slot)
        contributions = self._inbox.pop(place, [])
        if not contributions:
            return None
        entry = self._settled(node, contributions)
        if place in self.wanted:
            self.entries[place] = entry
        return entry

    def _settled(self, node: Node, contributions: list[_Contribution]) -> Entry:
        if len(contributions) == 1:
            only = contributions[0]
            if only.log_norm == -math.inf:
                self._note_zero(node, contributions)
            return Entry(only.log_norm, _known(only.parts, only.log_norm))
        total = torch.zeros_like(contributions[0].gradient, dtype=torch.float64)
        for c in contributions:
            total += c.gradient
        log_norm = _log_norm(total)
        if log_norm == -math.inf:
            self._note_zero(node, contributions)
        if not math.isfinite(log_norm):
            return Entry(log_norm, _known(np.zeros(len(CAUSES)), log_norm))
        return self._met(node, contributions, total, log_norm)

    def _met(self, node: Node, contributions: list[_Contribution], total: Tensor, log_norm: float) -> Entry:
        parts = np.zeros(len(CAUSES))
        shares = []
        unit = total / math.exp(log_norm)
        for c in contributions:
            if c.log_norm == -math.inf:
                continue
            along = float((c.gradient.double() * unit).sum())
            share = along / math.exp(log_norm)
            parts += share * c.parts
            parts[_SKIP] += share * (log_norm - c.log_norm)
            shares.append(share)
        before = self.shares.get(node, (math.inf, -math.inf))
        self.shares[node] = (min(before[0], *shares), max(before[1], *shares))
        return Entry(log_norm, parts)

    def _together(self, slots: list[Entry | None]) -> tuple[float, FloatArray]:
        """Norm and parts of a node: of its results taken together, as one vector."""
        reached = [e for e in slots if e is not None and e.log_norm != -math.inf]
        if len(reached) == 1:
            return reached[0].log_norm, reached[0].parts
        if not reached:
            return -math.inf, np.full(len(CAUSES), np.nan)
        if not all(math.isfinite(e.log_norm) for e in reached):
            return math.nan, np.full(len(CAUSES), np.nan)
        largest = max(e.log_norm for e in reached)
        weights = [math.exp(2 * (e.log_norm - largest)) for e in reached]
        log_norm = largest + 0.5 * math.log(math.fsum(weights))
        parts = np.zeros(len(CAUSES))
        for entry in reached:
            share = math.exp(2 * (entry.log_norm - log_norm))
            parts += share * entry.parts
            parts[_SKIP] += share * (log_norm - entry.log_norm)
        return log_norm, parts

    def _note_zero(self, node: Node, contributions: list[_Contribution]) -> None:
        self.zeros += [Zero(c.sender, node) for c in contributions if c.log_sender > -math.inf]

    def _compare(self, node: Node, came: Sequence[Tensor | None], log_norm: float) -> None:
        """Hold what was summed against what autograd has: the two differ where a contribution was missed."""
        if node not in self.shares or not math.isfinite(log_norm):
            return
        log_came, _ = self._together(
            [Entry(_log_norm(g), np.zeros(len(CAUSES))) for g in came if g is not None]
        )
        self.unseen = max(self.unseen, abs(math.expm1(log_came - log_norm)))


def attribute(
    loss: Tensor,
    causes: Mapping[Node, int],
    wanted: frozenset[Place],
    leaves: Sequence[Tensor],
    scale: Tensor | None,
) -> Attribution:
    """Run one backward pass of `loss` over its graph, the nodes of `causes`, and split the gradient's
    log-norms.

    `leaves` are the trained parameters; their `grad` is left alone. `scale`, which keeps small numbers within
    the number format, multiplies all gradients; the entries' norms are without it.
    """
    assert loss.grad_fn is not None
    found = Attribution(causes, wanted)
    start = torch.ones_like(loss) if scale is None else scale.to(loss)
    log_scale = found.start(loss.grad_fn, start)
    handles = [node.register_hook(_hook(found, node)) for node in causes if not is_leaf(node)]
    try:
        torch.autograd.grad(loss, list(leaves), start, allow_unused=True)
    finally:
        for handle in handles:
            handle.remove()
    for place in wanted:
        if is_leaf(place.node):
            found.settle(*place)
    found.entries = {
        place: Entry(entry.log_norm - log_scale, entry.parts) for place, entry in found.entries.items()
    }
    return found


def _hook(found: Attribution, node: Node) -> Callable[[Any, Any], None]:
    return lambda sent, came: found.passed(node, sent, came)


def is_leaf(node: Node) -> bool:
    """Whether the node is a parameter's, where gradients end."""
    return hasattr(node, "variable")


def _log_norm(gradient: Tensor) -> float:
    norm = float(torch.linalg.vector_norm(gradient.detach(), dtype=torch.float64))
    return math.log(norm) if norm > 0 else (-math.inf if norm == 0 else norm)


def _known(parts: FloatArray, log_norm: float) -> FloatArray:
    return parts if math.isfinite(log_norm) else np.full(len(CAUSES), np.nan)
