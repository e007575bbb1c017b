"""The prediction's features, from a trace: what was measured at the first step, and the first losses."""

import math
from collections.abc import Sequence

import numpy as np

from workers.diagnosis.arithmetic import log10, median
from workers.diagnosis.trainability.features import log10_or_floor, update_ratio
from workers.probes.examined import Examination
from workers.probes.trace import FloatArray, Trace

WEIGHT_OPS = frozenset({"linear", "conv1d", "conv2d"})
ADAPTIVE_OPTIMIZERS = frozenset({"adam", "adamw", "rmsprop"})
EARLY_STEPS = 30
"""The last step that is looked at."""
LOSS_WINDOW = 3
"""Steps whose losses are averaged: one batch's is noisy."""
USUAL_MOMENTUM = 0.9
"""Taken where the steps are larger than gradient and learning rate explain, and the trace, of an earlier
version, does not tell it."""
MOMENTUM_SHOWS = 1.5
"""Ratio of a step to learning rate × gradient from which there is momentum: 0.9 gives 2.3 for gradients
that have nothing in common, 10 for equal ones; without it, the ratio is 1."""


class NotMeasuredError(Exception):
    """What the prediction cannot do without is not in the trace; its text says what."""


def weight_layers(trace: Trace) -> list[int]:
    """Columns of the trained layers with a weight matrix or kernel. Raises NotMeasuredError."""
    if any(layer.op == "recurrent" for layer in trace.layers):
        raise NotMeasuredError(
            "it has recurrent layers: the networks that the prediction was fitted on are feed-forward"
        )
    found = [i for i, layer in enumerate(trace.layers) if layer.op in WEIGHT_OPS and layer.trainable]
    if len(found) < 2:
        raise NotMeasuredError("it has fewer than two trained layers with weights, so there is no depth")
    return found


def measured_features(trace: Trace) -> dict[str, float]:
    """Every feature by name, NaN where it was not measured. Raises NotMeasuredError."""
    columns = weight_layers(trace)
    change = _change(trace, columns[:-1])
    typical, smallest = _updates(trace, columns)
    return {
        "attenuation": max(0.0, -change),
        "amplification": max(0.0, change),
        "rank_ratio": _rank_ratio(trace),
        "depth": math.log2(len(columns) - 1),
        "adaptive": float(_adaptive(trace)),
        "activation_gain": _activation_gain(trace),
        "output_scale": _output_scale(trace, columns[-1]),
        "feature_scale": _feature_scale(trace, columns[-1]),
        "typical_update": typical,
        "smallest_update": smallest,
        **_losses(trace),
    }


def _change(trace: Trace, hidden: Sequence[int]) -> float:
    """Decades that the gradient gains from the last hidden weight layer's output to the first's."""
    norms = _early_norms(trace, hidden)
    return float(norms[0] - norms[-1]) + _shared_by_pooling(trace, hidden)


def _adaptive(trace: Trace) -> bool:
    return trace.run.optimizer in ADAPTIVE_OPTIMIZERS


def _rows(trace: Trace, series: str, columns: Sequence[int]) -> FloatArray:
    """(early measured steps, columns)"""
    found = trace.series.get(series)
    if found is None or not len(found.values):
        return np.empty((0, len(columns)))
    return found.values[found.steps < EARLY_STEPS][:, columns]


def _first(trace: Trace, series: str, column: int) -> float:
    rows = _rows(trace, series, [column])
    return float(rows[0, 0]) if len(rows) else math.nan


def _early_norms(trace: Trace, columns: Sequence[int]) -> FloatArray:
    """log10 of the gradient's norm at the layers' outputs at the first step. Where it is zero below weights
    that are initialised to zero, at the first early step at which it comes through."""
    rows = log10(_rows(trace, "backpropagated.norm", columns))
    rows = rows[~np.isnan(rows).any(axis=1)]
    if not len(rows):
        raise NotMeasuredError("the gradient at its layers' outputs was not measured, or is not finite")
    opened = rows[~np.isneginf(rows).any(axis=1)]
    if len(opened):
        first: FloatArray = opened[0]
        return first
    if np.isneginf(rows[0, -1]) or _zero_initialised(trace):
        raise NotMeasuredError("its gradient is exactly zero at first, and may open once training begins")
    floored: FloatArray = np.where(np.isneginf(rows[0]), rows[0, -1] - 99.0, rows[0])
    return floored


def _zero_initialised(trace: Trace) -> bool:
    columns = [i for i, layer in enumerate(trace.layers) if layer.parameters]
    rows = _rows(trace, "weight.norm", columns)
    return bool(len(rows)) and bool((rows[0] == 0).any())


def _shared_by_pooling(trace: Trace, columns: Sequence[int]) -> float:
    """Decades that averaging pools between the layers take off the norm by sharing the gradient out; to be
    added back."""
    pools = [
        i for i in range(columns[0], columns[-1])
        if trace.layers[i].op in {"avg_pool", "global_avg_pool"}
    ]  # fmt: skip
    gains = log10(_rows(trace, "backward.gain", pools))
    if not len(gains):
        return 0.0
    first = gains[0]
    return -float(first[np.isfinite(first)].sum())


def _initial_examination(trace: Trace) -> Examination | None:
    return next((e for e in trace.examinations if e.step == 0), None)


def _rank_ratio(trace: Trace) -> float:
    first = _initial_examination(trace)
    if first is None or not first.input_rank > 0:
        return math.nan
    return first.feature_rank / first.input_rank


def _output_scale(trace: Trace, last: int) -> float:
    """Of what in the outputs depends on the sample: a network whose outputs are large but the same for every
    sample says nothing."""
    first = _initial_examination(trace)
    if first is None:
        return math.nan
    return log10_or_floor(_root_mean_square(trace, last) * math.sqrt(max(first.output_variance_share, 0.0)))


def _root_mean_square(trace: Trace, column: int) -> float:
    mean, std = (_first(trace, f"activation.{statistic}", column) for statistic in ("mean", "std"))
    return math.hypot(mean, std)


def _activation_gain(trace: Trace) -> float:
    columns = [i for i, layer in enumerate(trace.layers) if layer.op == "activation"]
    if not columns:
        return 0.0
    rows = log10(_rows(trace, "backward.gain", columns))
    known = rows[:1][np.isfinite(rows[:1])]
    return float(known.mean()) if known.size else math.nan


def _feature_scale(trace: Trace, last: int) -> float:
    """Of the output of the layer on the spine before the last one with weights, which is its input."""
    below = [i for i in range(last) if trace.layers[i].on_spine]
    if not below:
        return math.nan
    return log10_or_floor(_root_mean_square(trace, below[-1]))


def _updates(trace: Trace, columns: Sequence[int]) -> tuple[float, float]:
    """log10 of the relative change of the layers' weights: median and smallest. An adaptive optimizer first
    moves every weight by the learning rate, so there the median serves for both."""
    weights = _rows(trace, "weight.norm", columns)
    gradients = _rows(trace, "gradient.norm", columns)
    if not len(weights) or not len(gradients):
        return math.nan, math.nan
    if _adaptive(trace):
        gradients = np.sqrt([[trace.layers[i].parameters for i in columns]])
    momentum = 0.0 if _adaptive(trace) else _momentum(trace, columns)
    ratios = log10(
        np.array([
            update_ratio(trace.run.learning_rate, momentum, float(gradient), float(weight))
            for gradient, weight in zip(gradients[0], weights[0], strict=True)
        ])
    )  # fmt: skip
    known = ratios[~np.isnan(ratios)]
    if not known.size:
        return math.nan, math.nan
    typical = median(known)
    return typical, typical if _adaptive(trace) else float(known.min())


def _momentum(trace: Trace, columns: Sequence[int]) -> float:
    """As the trace tells it; of earlier versions, as the steps show it."""
    known = trace.run.momentum
    return apparent_momentum(trace, columns) if known is None else known


def apparent_momentum(trace: Trace, columns: Sequence[int]) -> float:
    """USUAL_MOMENTUM if steps 2 to 10 are larger than learning rate × gradient by more than rounding and
    sampling explain, else 0."""
    updates, gradients = trace.series.get("update.ratio"), trace.series.get("gradient.norm")
    weights = _rows(trace, "weight.norm", columns)
    if updates is None or gradients is None or not len(weights):
        return 0.0
    steps, ours, theirs = np.intersect1d(updates.steps, gradients.steps, return_indices=True)
    early = (steps >= 2) & (steps <= 10)
    with np.errstate(all="ignore"):
        expected = trace.run.learning_rate * gradients.values[theirs[early]][:, columns] / weights[0]
        excess = updates.values[ours[early]][:, columns] / expected
    return USUAL_MOMENTUM if median(excess[np.isfinite(excess)]) > MOMENTUM_SHOWS else 0.0


def _losses(trace: Trace) -> dict[str, float]:
    first, constant = float(trace.loss[0]) if len(trace.loss) else math.nan, _constant_loss(trace)
    found = {}
    for step in (10, 30):
        loss = _loss_at(trace, step)
        found[f"loss_ratio_{step}"] = _log_ratio(loss, first)
        found[f"loss_{step}"] = _log_ratio(loss, constant)
    return found


def _loss_at(trace: Trace, step: int) -> float:
    """Mean loss of the steps up to it; infinite once the run has diverged; NaN if not made."""
    if not np.isfinite(trace.loss[:step]).all():
        return math.inf
    return float(trace.loss[step - LOSS_WINDOW : step].mean()) if len(trace.loss) >= step else math.nan


def _log_ratio(loss: float, reference: float) -> float:
    if math.isnan(loss) or not reference > 0:
        return math.nan
    ratio = loss / reference
    return math.inf if math.isinf(ratio) or math.isnan(ratio) else math.log(max(ratio, 1e-6))


_CROSS_ENTROPY_FROM = 0.9


def _constant_loss(trace: Trace) -> float:
    """The loss of a constant answer: the mean squared error of the mean, or ln K, where the first loss shows
    that it is a cross entropy. (An untrained network's is hardly below ln K; that of other losses is.)"""
    evaluation = trace.evaluation
    if trace.run.task == "regression":
        return evaluation.chance if evaluation is not None else math.nan
    if not trace.run.classes or trace.run.classes < 2 or not len(trace.loss):
        return math.nan
    uniform = math.log(trace.run.classes)
    return uniform if trace.loss[0] >= _CROSS_ENTROPY_FROM * uniform else math.nan
