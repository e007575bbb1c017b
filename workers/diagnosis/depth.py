"""How the gradient changes on its way back through the layers, and what changes it.

The network's spine are the layers that every path from the loss to the input passes. Between the outputs
of two neighbours on it lies one layer (or one residual block), so the gradient's log-norms at the spine
split its whole change into one part per layer, exactly. The trace's ledger splits each part by cause, exactly
too; where there is none, a layer's part is put down to its operation.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from workers.diagnosis.arithmetic import log10, median
from workers.diagnosis.causes import CAUSE_NAMES, MOST_DECADES, NO_LOSS, cause_of
from workers.diagnosis.confidence import INTERVAL
from workers.probes.ledger.measured import LedgerTrace
from workers.probes.trace import FloatArray, LayerInfo, Series, Trace

MINIMAL_DEPTH = 3
"""Layers with trained parameters from which a loss of gradient with depth can be spoken of."""

_HEAVY_TAILED = 5.0
_SMOOTH = 2.0
_FLUCTUATION = {"sigmoid": _SMOOTH, "tanh": _SMOOTH, "hardtanh": _SMOOTH, "identity": _SMOOTH}
"""v in Var log‖δ‖² = v·depth/width: 2 for smooth activations, 5 for ReLU and its relatives (Hanin & Nica
2020)."""


@dataclass(frozen=True)
class DepthProfile:
    """The gradient's size along the spine, from the first layer with trained parameters to the last."""

    layers: tuple[LayerInfo, ...]
    """The measured layers of the spine, in the order of the forward pass."""
    trained: tuple[bool, ...]
    """Which of them hold trained parameters."""
    log_norms: FloatArray
    """(layers,) log10 of the Euclidean norm of the gradient at each layer's output; -inf where it is zero."""
    step: int | None
    """The step it was measured at; None for the median over the run."""
    ledger: Mapping[str, FloatArray] | None = None
    """For each cause, (layers,) decades that it has added between the loss and each output at this step, or,
    for the run, at its last; None where that was not measured."""

    @cached_property
    def reached(self) -> int:
        """Index of the lowest layer that a gradient above zero reaches from the top."""
        zeros = np.flatnonzero(np.isneginf(self.log_norms))
        return int(zeros[-1]) + 1 if zeros.size else 0

    @property
    def blocked(self) -> bool:
        """Whether the gradient is exactly zero somewhere above the first layer's input."""
        return self.reached > 0

    @cached_property
    def parts(self) -> dict[str, float]:
        """Decades that each cause adds (negative: loses), over the layers that the gradient reaches: what the
        ledger says, and what it leaves of each layer's part by the layer's operation."""
        ledger = self._known_ledger
        gains: dict[str, list[float]] = {cause: [] for cause in ledger or CAUSE_NAMES}
        for index in range(self.reached + 1, len(self.layers)):
            within = {cause: float(added[index - 1] - added[index]) for cause, added in ledger.items()}
            for cause, part in within.items():
                gains[cause].append(part)
            left = self.log_norms[index - 1] - self.log_norms[index] - math.fsum(within.values())
            gains[cause_of(self.layers[index])].append(left)
        return {cause: math.fsum(values) for cause, values in gains.items()}

    @property
    def _known_ledger(self) -> Mapping[str, FloatArray]:
        """The ledger, if it goes as far as the gradient does; else nothing."""
        ledger = self.ledger or {}
        known = (np.abs(added[self.reached :]) < MOST_DECADES for added in ledger.values())
        return ledger if all(each.all() for each in known) else {}

    @property
    def total(self) -> float:
        """log10 of first over last norm: the sum of the parts. A lower bound's place if `blocked`."""
        return math.fsum(self.parts.values()) if self.reached < len(self.layers) else math.nan

    @property
    def attenuation(self) -> float:
        """The total without what pooling, dropout and reshaping do: they share a gradient out among entries,
        they do not lose it."""
        return self.total - math.fsum(part for cause, part in self.parts.items() if cause in NO_LOSS)

    @property
    def surely_lost(self) -> float:
        """Decades lost, less what chance explains in a network of this width; -inf where that is unknown."""
        lost = -self.attenuation - INTERVAL * self.deviation
        return -math.inf if math.isnan(lost) else lost

    @property
    def surely_gained(self) -> float:
        """Decades gained, less what chance explains; -inf where that is unknown."""
        gained = self.attenuation - INTERVAL * self.deviation
        return -math.inf if math.isnan(gained) else gained

    @cached_property
    def deviation(self) -> float:
        """Standard deviation in decades that a random network of this width and depth has around its mean."""
        inner = [w for w, trained in zip(self._widths, self.trained, strict=True) if trained][:-1]
        factor = max((_FLUCTUATION.get(f, _HEAVY_TAILED) for f in self.functions), default=_SMOOTH)
        return 0.5 / math.log(10) * math.sqrt(factor * sum(1.0 / w for w in inner))

    @cached_property
    def functions(self) -> tuple[str, ...]:
        """Activation functions on the spine, the most frequent first."""
        names = [layer.function for layer in self.layers if layer.op == "activation" and layer.function]
        return tuple(sorted(set(names), key=lambda name: (-names.count(name), name)))

    @property
    def _widths(self) -> list[int]:
        return [max(1, width(layer)) for layer in self.layers]

    @cached_property
    def stations(self) -> tuple[int, ...]:
        """Indices of the layers with trained parameters that the gradient reaches."""
        return tuple(i for i, trained in enumerate(self.trained) if trained and i >= self.reached)

    @cached_property
    def line(self) -> tuple[float, float]:
        """Slope in decades per layer, towards the input, and R² of the least-squares line through the
        stations."""
        return _line(self.log_norms[list(self.stations)])

    @property
    def range(self) -> float:
        """Largest minus smallest log10 norm over the stations."""
        norms = self.log_norms[list(self.stations)]
        return float(norms.max() - norms.min()) if norms.size else math.nan

    @property
    def lost_at_bottom(self) -> bool:
        """Whether most of what is lost is lost between the first trained layer and the second."""
        first, second = np.flatnonzero(self.trained)[:2]
        if self.blocked:
            return bool(self.reached <= second)
        norms = self.log_norms
        return bool(norms[second] - norms[first] > (norms[-1] - norms[first]) / 2)

    def starved(self, decades: float) -> list[str]:
        """Names of the layers with parameters whose gradient lost more than `decades` against the last
        layer's."""
        limit = self.log_norms[-1] - decades
        return [
            layer.name
            for layer, trained, norm in zip(self.layers, self.trained, self.log_norms, strict=True)
            if trained and norm < limit
        ]


def width(layer: LayerInfo) -> int:
    """Number of channels or units of the layer's output."""
    if not layer.output_shape:
        return 1
    images = len(layer.output_shape) == 3  # channels come first; in sequences and vectors they come last
    return layer.output_shape[0] if images else layer.output_shape[-1]


def _line(norms: FloatArray) -> tuple[float, float]:
    if norms.size < MINIMAL_DEPTH or not np.isfinite(norms).all():
        return math.nan, math.nan
    towards_input = norms[::-1] - norms.mean()
    positions = np.arange(norms.size) - (norms.size - 1) / 2
    slope = float(positions @ towards_input / (positions @ positions))
    spread = float(towards_input @ towards_input)
    return slope, slope**2 * float(positions @ positions) / spread if spread > 0 else math.nan


def trained_columns(layers: Sequence[LayerInfo]) -> list[bool]:
    """Which layers have parameters that are trained; a residual block has those of the layers within it."""
    own = [layer.trainable and layer.parameters > 0 for layer in layers]
    blocks = {
        ancestor for layer, trained in zip(layers, own, strict=True) if trained
        for ancestor in _ancestors(layer.name)
    }  # fmt: skip
    return [
        trained or (layer.op == "residual" and layer.name in blocks)
        for layer, trained in zip(layers, own, strict=True)
    ]


def _ancestors(name: str) -> list[str]:
    """a.b.c: a, a.b."""
    parts = name.split(".")
    return [".".join(parts[:end]) for end in range(1, len(parts))]


@dataclass(frozen=True)
class DepthProfiles:
    """The gradient along the spine at the start of training and over the run."""

    initial: DepthProfile
    run: DepthProfile
    opened: bool
    """Whether a gradient that was exactly zero at the first step came through later: a zero
    initialisation."""

    @property
    def deep(self) -> bool:
        """Whether there are layers enough for a gradient to be lost with depth."""
        return sum(self.initial.trained) >= MINIMAL_DEPTH


def depth_profiles(trace: Trace) -> DepthProfiles | None:
    """The profiles, or None for a network without trained layers or that was not measured."""
    series = trace.series.get("backpropagated.norm")
    if series is None or not len(series.values):
        return None
    norms = log10(series.values)
    holds = trained_columns(trace.layers)
    columns = _spine(trace, norms, holds)
    trained = tuple(holds[i] for i in columns)
    return _profiles(trace, columns, trained, norms[:, columns], series)


def _spine(trace: Trace, norms: FloatArray, holds: Sequence[bool]) -> list[int]:
    """Columns of the measured spine layers between the first and last that hold trained parameters."""
    spine = [i for i, layer in enumerate(trace.layers) if layer.on_spine and not np.isnan(norms[:, i]).all()]
    trained = [i for i in spine if holds[i]]
    return [i for i in spine if trained and trained[0] <= i <= trained[-1]]


def _profiles(
    trace: Trace, columns: list[int], trained: tuple[bool, ...], norms: FloatArray, series: Series
) -> DepthProfiles | None:
    layers = tuple(trace.layers[i] for i in columns)
    measured = np.flatnonzero(~np.isnan(norms).any(axis=1))
    if not layers or not measured.size:
        return None
    rows = norms[measured]
    step = int(series.steps[measured[0]])
    first = DepthProfile(layers, trained, rows[0], step, _ledger(trace.ledger, step, columns))
    over_run = np.array([median(column) for column in rows.T])
    last = int(trace.ledger.steps[-1]) if trace.ledger else 0
    run = DepthProfile(layers, trained, over_run, None, _ledger(trace.ledger, last, columns))
    opened = first.blocked and not run.blocked
    return DepthProfiles(initial=run if opened else first, run=run, opened=opened)


def _ledger(ledger: LedgerTrace | None, step: int, columns: Sequence[int]) -> dict[str, FloatArray] | None:
    """By cause, what was added on the way to each of these layers at a step; None where that is not known."""
    rows = np.flatnonzero(ledger.steps == step) if ledger is not None else np.empty(0)
    if ledger is None or not rows.size:
        return None
    added = ledger.outputs[rows[0], list(columns)]
    return {cause: added[:, index] for index, cause in enumerate(ledger.causes)}
