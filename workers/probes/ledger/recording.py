"""Measures the ledger of a network while it trains, in a forward and backward pass of its own."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
from torch import Tensor, nn
from torch.autograd.graph import Node

from workers.probes.ledger.attribution import CAUSE_INDEX, Attribution, attribute, is_leaf
from workers.probes.ledger.causes import CAUSES, OTHER, cause_of_node
from workers.probes.ledger.graph import Place, all_nodes, owners, watched
from workers.probes.ledger.measured import LedgerTrace, ZeroGradient
from workers.probes.ledger.zeros import zero_gradients
from workers.probes.quantities.through_time import undisturbed
from workers.probes.survey import Survey
from workers.probes.trace import FloatArray, LayerInfo

MAX_NODES = 20_000
"""Largest graph that is walked: about two seconds. A recurrence that makes a larger one is left to its fused
kernel, whose effect then counts as that of its weights."""

PARAMETER_BYTES = 64 * 2**20
"""Most memory for the contributions to one parameter, which is used once per time step in a recurrence."""


class LedgerLog:
    """Measures the ledger at chosen steps. The training step beside it neither sees nor feels it."""

    def __init__(self, network: nn.Module, layers: Sequence[LayerInfo], survey: Survey) -> None:
        self._network, self._layers, self._survey = network, layers, survey
        self._parameters = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self._recurrent = [module for module in survey.modules if hasattr(module, "time_tap")]
        self._rows: list[_Row] = []

    def measure(self, step: int, compute_loss: Callable[[], Tensor], scale: Tensor | None) -> None:
        """Measure at a step, if its graph is not too large. `scale` multiplies the loss before the backward
        pass and is divided out again."""
        for unrolled in (True, False) if self._recurrent else (False,):
            with undisturbed(self._network), watched(self._survey) as places:
                with _unrolled(self._recurrent if unrolled else []):
                    loss = compute_loss()
                nodes = all_nodes(loss.grad_fn, MAX_NODES) if loss.grad_fn is not None else None
                if nodes is not None:
                    self._rows.append(self._row(step, loss, nodes, places, scale))
                    return

    def result(self) -> LedgerTrace | None:
        """All that was measured; None if nothing was."""
        if not self._rows:
            return None
        rows = self._rows
        decades = 1.0 / math.log(10.0)
        return LedgerTrace(
            steps=np.array([row.step for row in rows], dtype=np.int64),
            causes=tuple(CAUSES),
            log_norms=decades * np.stack([row.log_norms for row in rows]),
            outputs=decades * np.stack([row.outputs for row in rows]),
            inputs=decades * np.stack([row.inputs for row in rows]),
            shares=np.stack([row.shares for row in rows]),
            parameter_names=tuple(self._parameters),
            parameters=decades * np.stack([row.parameters for row in rows]),
            zeros=tuple(zero for row in rows for zero in row.zeros),
            unseen=np.array([row.unseen for row in rows]),
        )

    def _row(
        self,
        step: int,
        loss: Tensor,
        nodes: Sequence[Node],
        places: Sequence[Place | None],
        scale: Tensor | None,
    ) -> "_Row":
        owned = owners(self._survey, places)
        ops = {node: self._layers[layer].op for node, layer in owned.items()}
        causes = {n: CAUSE_INDEX[cause_of_node(n.name(), ops.get(n)) or OTHER] for n in nodes}
        leaves = _affordable(nodes, self._parameters)
        wanted = frozenset([place for place in places if place is not None] + list(leaves.values()))
        found = attribute(loss, causes, wanted, list(self._parameters.values()), scale)
        row = _Row(step, found, self._survey, places, [leaves.get(name) for name in self._parameters])
        row.shares = _shares(found, self._survey, places, owned)
        row.zeros = zero_gradients(step, found, self._layers, places, owned, leaves)
        return row


class _Row:
    """The ledger at one step, as arrays. Natural logarithms."""

    def __init__(
        self,
        step: int,
        found: Attribution,
        survey: Survey,
        places: Sequence[Place | None],
        leaves: Sequence[Place | None],
    ) -> None:
        self.step, self.unseen = step, found.unseen
        self.shares: FloatArray
        self.zeros: list[ZeroGradient]
        taps = survey.input_tap
        self.outputs = _parts(found, places[: len(taps)])
        self.inputs = _parts(found, [None if tap is None else places[tap] for tap in taps])
        self.parameters = _parts(found, leaves)
        entries = [None if place is None else found.entries.get(place) for place in places[: len(taps)]]
        self.log_norms = np.array([math.nan if entry is None else entry.log_norm for entry in entries])


def _parts(found: Attribution, places: Sequence[Place | None]) -> FloatArray:
    """(places, causes), NaN where there is no gradient."""
    nothing = np.full(len(CAUSES), np.nan)
    entries = [None if place is None else found.entries.get(place) for place in places]
    rows = [nothing if entry is None else entry.parts for entry in entries]
    return np.array(rows).reshape(len(rows), len(CAUSES))


def _shares(
    found: Attribution, survey: Survey, places: Sequence[Place | None], owned: Mapping[Node, int]
) -> FloatArray:
    """(layers, 2) smallest and largest share where paths meet within each layer, its input included and its
    output not: that is for those who use it. NaN where none meet."""
    shares = np.full((len(survey.modules), 2), np.nan)

    def meet(layer: int, node: Node) -> None:
        if node in found.shares:
            low, high = found.shares[node]
            shares[layer] = np.fmin(shares[layer, 0], low), np.fmax(shares[layer, 1], high)

    outputs = {place.node for place in places[: len(survey.modules)] if place is not None}
    for node, layer in owned.items():
        if node not in outputs:
            meet(layer, node)
    for layer, tap in enumerate(survey.input_tap):
        given = None if tap is None else places[tap]
        if given is not None:
            meet(layer, given.node)
    return shares


def _affordable(nodes: Sequence[Node], parameters: Mapping[str, Tensor]) -> dict[str, Place]:
    """Where each parameter stands, but for those whose contributions would take too much memory."""
    uses = Counter(below for node in nodes for below, _ in node.next_functions if below is not None)
    names = {id(parameter): name for name, parameter in parameters.items()}
    found: dict[str, Place] = {}
    for node in nodes:
        if not is_leaf(node):
            continue
        variable: Tensor = node.variable  # type: ignore[attr-defined]
        name = names.get(id(variable))
        if name is not None and uses[node] * variable.numel() * variable.element_size() <= PARAMETER_BYTES:
            found[name] = Place(node, 0)
    return found


@contextmanager
def _unrolled(recurrent: Sequence[nn.Module]) -> Iterator[None]:
    """Recurrences written out step by step, so that the graph shows what their kernels hide."""
    for module in recurrent:
        module.time_tap = lambda _states: None  # type: ignore[assignment]
    try:
        yield
    finally:
        for module in recurrent:
            module.time_tap = None  # type: ignore[assignment]
