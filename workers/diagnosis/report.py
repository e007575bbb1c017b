"""The plain parts of a diagnosis: what each layer measured, the outcome, what the run cost."""

import math

import numpy as np

from service.contract.diagnosis import (
    BackwardGain,
    Environment,
    LayerReport,
    Ledger,
    Outcome,
    Runtime,
    Statistics,
)
from workers.diagnosis.arithmetic import finite, log10, median, power_of_ten
from workers.diagnosis.case import Case
from workers.diagnosis.causes import MOST_DECADES, cause_of
from workers.diagnosis.learning import steps_made
from workers.probes.ledger.measured import LedgerTrace
from workers.probes.trace import STATISTICS, LayerInfo, Trace

NO_PART = 1e-10
"""Decades up to which a part of the ledger is rounding."""

DECIMALS = 8
"""Of the ledger's decades; what follows is rounding. The largest part bears the rounding, so the parts still
sum to the total."""


def layer_reports(case: Case) -> list[LayerReport]:
    """One report for each layer, in the order of the forward pass."""
    return [_layer_report(case, index, layer) for index, layer in enumerate(case.trace.layers)]


def _layer_report(case: Case, index: int, layer: LayerInfo) -> LayerReport:
    gains = case.time.get(layer.name)
    return LayerReport(
        name=layer.name,
        op=layer.op,
        function=layer.function,
        parameters=layer.parameters,
        activation=_statistics(case, "activation", index),
        backpropagated=_statistics(case, "backpropagated", index),
        gradient=_statistics(case, "gradient", index),
        weight=_statistics(case, "weight", index),
        update_ratio=finite(median(case.of_layer("update.ratio", index))),
        saturation=_last(case, "activation.saturation", index),
        dead_units=_last(case, "activation.dead_units", index),
        backward_gain=_backward_gain(case, index, layer),
        time_gain=finite(gains.initial.total) if gains else None,
    )


def _last(case: Case, series: str, index: int) -> float | None:
    """The value at the last probed step."""
    column = case.values(series)[:, index]
    return finite(float(column[-1])) if column.size else None


def _statistics(case: Case, tensor: str, index: int) -> Statistics | None:
    values = {name: _last(case, f"{tensor}.{name}", index) for name in STATISTICS}
    return Statistics(**values) if any(value is not None for value in values.values()) else None


def _backward_gain(case: Case, index: int, layer: LayerInfo) -> BackwardGain | None:
    """From the ledger; without one, a layer's one cause bears all of it."""
    parts = _local_parts(case.trace.ledger, index)
    if parts is not None:
        total = finite(power_of_ten(math.fsum(parts.values())))
        factors = {c: finite(power_of_ten(part)) for c, part in parts.items() if abs(part) > NO_PART}
        known = {cause: factor for cause, factor in factors.items() if factor is not None}
        return BackwardGain(total=total, by_cause=known) if total is not None else None
    logs = log10(case.values("backward.gain")[:, index])
    logs = logs[np.isfinite(logs)]
    total = finite(power_of_ten(float(logs.mean()))) if logs.size else None
    return BackwardGain(total=total, by_cause={cause_of(layer): total}) if total is not None else None


def _local_parts(ledger: LedgerTrace | None, index: int) -> dict[str, float] | None:
    """Decades that each cause adds within a layer, mean over the ledger's steps; None where not known."""
    if ledger is None:
        return None
    below, above = ledger.inputs[:, index], ledger.outputs[:, index]
    measured = ((np.abs(below) < MOST_DECADES) & (np.abs(above) < MOST_DECADES)).all(axis=1)
    known = below[measured] - above[measured]
    return dict(zip(ledger.causes, known.mean(axis=0).tolist(), strict=True)) if len(known) else None


def ledger(case: Case) -> Ledger | None:
    """Where the gradient changes on its way back, in the profile on which depth was judged; in networks too
    shallow for that, at the first step."""
    profile = case.judged_depth or (case.spine.initial if case.spine else None)
    if profile is None:
        return None
    if profile.blocked or not math.isfinite(profile.total):
        return Ledger(log10_total=None, by_cause={})
    total = round(profile.total, DECIMALS)
    parts = {cause: round(part, DECIMALS) + 0.0 for cause, part in profile.parts.items()}
    largest = max(parts, key=lambda cause: abs(parts[cause]))
    others = math.fsum(part for cause, part in parts.items() if cause != largest)
    return Ledger(log10_total=total, by_cause=parts | {largest: round(total - others, DECIMALS)})


def outcome(case: Case) -> Outcome:
    """What became of the training."""
    learning, evaluation = case.learning, case.trace.evaluation
    trained = learning.judgement != "not_trained"
    return Outcome(
        learned=learning.learned,
        loss_first=finite(learning.loss_first),
        loss_last=finite(learning.loss_last),
        metric=evaluation.metric if evaluation else None,
        value=finite(evaluation.after if trained else evaluation.before) if evaluation else None,
        chance=finite(evaluation.chance) if evaluation else None,
    )


def runtime(trace: Trace) -> Runtime:
    """What the run cost."""
    steps, seconds = steps_made(trace), finite(trace.run.seconds) or 0.0
    overhead = trace.run.probe_overhead
    return Runtime(
        device=trace.run.device,
        steps=steps,
        seconds=seconds,
        steps_per_second=finite(steps / seconds) if steps and seconds > 0 else None,
        probe_overhead=finite(overhead) if overhead is not None else None,
    )


def environment(trace: Trace, service_version: str) -> Environment:
    """What one needs to run it again."""
    return Environment(
        torch=trace.run.torch, service=service_version, seed=trace.run.seed, threads=trace.run.threads
    )
