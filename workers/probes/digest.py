"""Turns flushed rows into series, layer by layer. Runs on the host, once per flush."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from workers.probes.parameters import LayerWeights
from workers.probes.quantities.backward_gain import backward_gain
from workers.probes.quantities.measured import Measured
from workers.probes.quantities.saturation import Saturation
from workers.probes.quantities.summary import summarise
from workers.probes.quantities.update_ratio import update_ratio
from workers.probes.quantities.weight_norm import weight_norm
from workers.probes.samples import SampleBlock
from workers.probes.schedule import Schedule
from workers.probes.survey import Survey
from workers.probes.trace import FloatArray, IntArray, LayerInfo, Series

BoolArray = NDArray[np.bool_]


@dataclass(frozen=True)
class StepRows:
    """What was recorded at each of some steps."""

    steps: list[int]
    loss: FloatArray
    scale: FloatArray
    """(k,) loss scale; 1 without scaling."""
    gradient_norms: FloatArray
    """(k, parameters) of the unscaled gradients."""
    has_gradient: BoolArray
    """(parameters,) whether the loss depends on the parameter at all."""
    weights_after: SampleBlock
    """Each layer's weights after the step."""


@dataclass(frozen=True)
class FullRows:
    """What was recorded at those of the steps that were measured in full."""

    steps: list[int]
    value_norms: FloatArray
    """(k, taps)"""
    values: SampleBlock
    delta_norms: FloatArray
    """(k, taps) of the gradients with respect to the tapped tensors, loss scale included."""
    deltas: SampleBlock
    weight_norms: FloatArray
    """(1, weight tensors) at the first of the steps."""
    gradients: SampleBlock
    """Each layer's weight gradients, unscaled."""


class _Pieces:
    """Series under construction."""

    def __init__(self) -> None:
        self._steps: dict[str, list[Sequence[int]]] = {}
        self._values: dict[str, list[FloatArray]] = {}

    def add(self, name: str, steps: Sequence[int], values: FloatArray) -> None:
        self._steps.setdefault(name, []).append(list(steps))
        self._values.setdefault(name, []).append(values)

    def series(self, until: int) -> dict[str, Series]:
        """All series, without steps after `until`."""
        joined = {}
        for name, pieces in self._values.items():
            steps: IntArray = np.concatenate([np.array(s, dtype=np.int64) for s in self._steps[name]])
            kept = steps <= until
            joined[name] = Series(steps[kept], np.concatenate(pieces)[kept])
        return joined


class Digest:
    """Computes every quantity from flushed rows and keeps the results."""

    def __init__(
        self,
        layers: Sequence[LayerInfo],
        survey: Survey,
        weights: LayerWeights,
        initial_weights: SampleBlock,
        schedule: Schedule,
    ) -> None:
        self._count = len(layers)
        self._survey = survey
        self._entries = np.array(survey.entries, dtype=np.int64)
        counts = np.array([len(members) for members in weights.members], dtype=np.int64)
        self._holders = np.flatnonzero(counts)
        self._starts = (np.cumsum(counts) - counts)[self._holders]
        self._flat_members = weights.flat_members
        self._weight_entries = np.array(weights.entries(), dtype=np.int64)
        self._initial_std = weights.initial_std()
        self._weights_before = initial_weights.values
        self._stride = schedule.every_step_stride
        activations = {i: survey.modules[i] for i, layer in enumerate(layers) if layer.op == "activation"}
        self._saturation = Saturation(activations, survey.input_tap)
        self._pieces = _Pieces()
        self._loss: list[FloatArray] = []
        self._total: list[FloatArray] = []
        self.first_bad_loss: int | None = None
        """The first step whose loss was not finite."""

    def take(self, rows: StepRows, full: FullRows) -> None:
        """Digest one flush. The rows' arrays are not kept."""
        with np.errstate(all="ignore"):  # networks that diverge are our business, not an error
            weights = self._weights_around(rows)
            # NaN where the loss scale made the gradients overflow: nothing was measured there.
            valid = np.where(_overflowed_by_scaling(rows), np.nan, 1.0)
            norms = rows.gradient_norms * valid[:, None]
            self._take_steps(rows, norms, weights)
            if full.steps:
                self._take_full(rows, full, norms, weights, valid)
            self._weights_before = rows.weights_after.values[-1:].copy()
        bad = np.flatnonzero(~np.isfinite(rows.loss))
        if bad.size and self.first_bad_loss is None:
            self.first_bad_loss = rows.steps[bad[0]]

    def result(self) -> tuple[FloatArray, FloatArray, dict[str, Series]]:
        """Loss, total gradient norm and all series, until the first loss that is not finite."""
        loss, total = np.concatenate(self._loss), np.concatenate(self._total)
        until = len(loss) - 1 if self.first_bad_loss is None else self.first_bad_loss
        return loss[: until + 1], total[: until + 1], self._pieces.series(until)

    def _take_steps(self, rows: StepRows, norms: FloatArray, weights: SampleBlock) -> None:
        self._loss.append(rows.loss.copy())
        self._total.append(np.sqrt((norms[:, rows.has_gradient] ** 2).sum(axis=1)))
        kept = np.flatnonzero(np.array(rows.steps) % self._stride == 0)
        steps = [rows.steps[i] for i in kept]
        self._pieces.add("gradient.norm", steps, self._by_layer(norms)[kept])
        self._pieces.add("update.ratio", steps, update_ratio(weights)[kept])

    def _take_full(
        self, rows: StepRows, full: FullRows, norms: FloatArray, weights: SampleBlock, valid: FloatArray
    ) -> None:
        at = np.searchsorted(rows.steps, full.steps)
        scale = rows.scale[at] / valid[at]
        delta_norms = full.delta_norms / scale[:, None]
        ones = np.ones(len(full.steps))
        entries, weight_entries = self._entries, self._weight_entries
        before = SampleBlock(weights.values[at], weights.offsets)
        first_norms = np.full((1, norms.shape[1]), np.nan)
        first_norms[:, self._flat_members] = full.weight_norms
        weight_norms = weight_norm(self._by_layer(first_norms)[0], before, weight_entries)
        self._summarise("activation", full, Measured(full.value_norms, full.values, entries, ones))
        self._summarise("backpropagated", full, Measured(delta_norms, full.deltas, entries, scale))
        self._summarise("weight", full, Measured(weight_norms, before, weight_entries, ones))
        by_layer = self._by_layer(norms)[at]
        self._summarise("gradient", full, Measured(by_layer, full.gradients, weight_entries, 1.0 / valid[at]))
        gains = backward_gain(delta_norms, self._survey.input_tap)
        self._pieces.add("backward.gain", full.steps, gains)
        self._pieces.add("activation.saturation", full.steps, self._saturation.measure(full.values))

    def _summarise(self, tensor: str, full: FullRows, measured: Measured) -> None:
        measured = measured.first(self._count)
        scale = measured.rms()
        if tensor == "weight":
            scale = np.broadcast_to(self._initial_std, scale.shape)
        summary = summarise(measured, scale)
        if tensor == "gradient":
            del summary["norm"]  # known for every step: see `_take_steps`
        for statistic, values in summary.items():
            self._pieces.add(f"{tensor}.{statistic}", full.steps, values)

    def _weights_around(self, rows: StepRows) -> SampleBlock:
        """(k + 1 rows) weights before the first of k steps and after each."""
        values = np.concatenate([self._weights_before, rows.weights_after.values])
        return SampleBlock(values, rows.weights_after.offsets)

    def _by_layer(self, norms: FloatArray) -> FloatArray:
        """(k, layers) norms of each layer's weights together, from (k, parameters)."""
        together = np.full((len(norms), self._count), np.nan)
        if self._flat_members:
            squares = norms[:, self._flat_members] ** 2
            together[:, self._holders] = np.sqrt(np.add.reduceat(squares, self._starts, axis=1))
        return together


def _overflowed_by_scaling(rows: StepRows) -> BoolArray:
    """Steps whose gradients overflowed in a finite loss because of a large loss scale: the scaler skips
    them and halves the scale. They tell about the scale, not about the network."""
    bad = ~np.isfinite(rows.gradient_norms[:, rows.has_gradient]).all(axis=1)
    overflowed: BoolArray = bad & (rows.scale > 1.0) & np.isfinite(rows.loss)
    return overflowed
