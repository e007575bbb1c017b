"""The rule for gradients that vanish in time."""

import math
from collections.abc import Iterator

from service.contract.conditions.vanishing_gradients import INFO
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.conditions.vanishing_gradients.consequence import (
    outcome_words,
    severity_of,
)
from workers.diagnosis.confidence import INTERVAL, beyond_decades, joint
from workers.diagnosis.findings import consequence
from workers.diagnosis.through_time import TimeGain
from workers.diagnosis.wording import power, untried


def through_time(case: Case) -> Iterator[Finding]:
    """One finding for all recurrent layers whose gradient vanishes in time; the worst one speaks."""
    diverged = case.learning.judgement == "diverged"
    gains = [
        g.initial if diverged else min(g.initial, g.run, key=lambda gain: gain.gain)
        for g in case.time.values()
    ]
    limit = case.time_limit
    vanished = [g for g in gains if -g.gain - INTERVAL * g.deviation > limit]
    if vanished:
        yield _finding(case, vanished, limit)


def _finding(case: Case, vanished: list[TimeGain], limit: float) -> Finding:
    worst = min(vanished, key=lambda gain: gain.gain)
    remedies = _remedies(worst)
    return Finding(
        condition=INFO.name,
        severity=severity_of(case, untrained="warning"),
        axis="time",
        layers=[gain.layer.name for gain in vanished],
        confidence=joint(
            beyond_decades(min(-worst.gain, 99.0), limit, worst.deviation),
            consequence(case),
        ),
        summary=_summary(worst),
        explanation=_explanation(case, worst, remedies),
        evidence=[
            evidence("time_gain", worst.total, -limit, layer=worst.layer.name, step=worst.step),
            evidence("time_gain_within", worst.within, -limit, layer=worst.layer.name, step=worst.step),
            evidence("gain_per_time_step", worst.per_step, layer=worst.layer.name, step=worst.step),
            *case.metric_evidence(),
        ],
        remedies=remedies,
        sources=list(INFO.sources),
    )


def _summary(worst: TimeGain) -> str:
    size = (
        f"is {power(worst.gain)} of the one"
        if math.isfinite(worst.gain)
        else "is exactly zero, unlike the one"
    )
    return (
        f"In `{worst.layer.name}` the gradient reaching the first of {worst.length} time steps {size} at "
        "the end of the sequence: the early steps hardly take part in learning."
    )


def _explanation(case: Case, worst: TimeGain, remedies: list[str]) -> str:
    cell = worst.layer.function or "recurrent"
    factor = f"by {worst.per_step:.2g} on average" if math.isfinite(worst.gain) else "by a factor far below 1"
    return (
        f"A recurrent layer is as deep as its sequence is long: at each step back in time this {cell} "
        f"layer multiplies the gradient {factor}, {worst.length} times over. The parameters' gradient is a "
        "sum over all time steps, so it looks normal while the early steps add nothing to it. "
        f"{outcome_words(case)} {untried(remedies)}"
    ).strip()


def _remedies(worst: TimeGain) -> list[str]:
    if worst.layer.function in {"lstm", "gru"}:
        return ["forget_bias"]
    return ["lstm", "orthogonal_recurrence"]
