"""Exploding gradients, through depth, through time, or over the run."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from service.contract.conditions.exploding_gradients import (
    ATTENUATION,
    GRADIENT_GROWTH,
    INFO,
    LOSS_RATIO,
    TIME_GAIN,
)
from service.contract.diagnosis import Axis, Evidence, Finding, Severity
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import INTERVAL, beyond_decades, joint
from workers.diagnosis.findings import consequence, foretold_failure
from workers.diagnosis.onset import grows_backward
from workers.diagnosis.wording import metric_words, power, untried


@dataclass(frozen=True)
class Growth:
    """A growth of the gradient in one direction, beyond its threshold."""

    axis: Axis | None
    """None: from one training step to the next."""
    decades: float
    threshold: float
    deviation: float
    measure: str
    layers: tuple[str, ...] = ()
    step: int | None = None


def examine(case: Case) -> Iterator[Finding]:
    """The strongest growth, if training suffers from it."""
    grown = [
        growth for growth in (_in_depth(case), _in_time(case), _over_the_run(case)) if growth is not None
    ]
    if not grown:
        return
    severity = _severity(case, grown)
    if severity is not None:
        yield _finding(case, grown, severity)


def _in_depth(case: Case) -> Growth | None:
    """In the profile of which the ledger tells too."""
    profile = case.judged_depth
    if profile is None or profile.surely_gained <= ATTENUATION.value:
        return None
    top = profile.log_norms[-1]
    layers = tuple(
        layer.name
        for layer, trained, norm in zip(profile.layers, profile.trained, profile.log_norms, strict=True)
        if trained and norm > top + ATTENUATION.value
    )
    return Growth(
        "depth",
        profile.attenuation,
        ATTENUATION.value,
        profile.deviation,
        "attenuation",
        layers,
        profile.step,
    )


def _in_time(case: Case) -> Growth | None:
    """A run that diverged is judged by its beginning, as in depth."""
    diverged = case.learning.judgement == "diverged"
    gains = [
        g.initial if diverged else max(g.initial, g.run, key=lambda gain: gain.gain)
        for g in case.time.values()
    ]
    grown = [g for g in gains if g.gain - INTERVAL * g.deviation > TIME_GAIN.value]
    if not grown:
        return None
    worst = max(grown, key=lambda gain: gain.gain)
    return Growth(
        "time",
        worst.gain,
        TIME_GAIN.value,
        worst.deviation,
        "time_gain",
        tuple(gain.layer.name for gain in grown),
        worst.step,
    )


def _over_the_run(case: Case) -> Growth | None:
    growth = _known(case.gradient_growth)
    if growth <= GRADIENT_GROWTH.value:
        return None
    return Growth(None, growth, GRADIENT_GROWTH.value, 0.0, "gradient_growth")


def _known(value: float) -> float:
    return -math.inf if math.isnan(value) else value


def _severity(case: Case, grown: list[Growth]) -> Severity | None:
    """Growth alone is no illness: deep residual networks have it and train."""
    if case.learning.judgement == "diverged":
        return "critical"
    if case.learning.learned is False:
        return "critical" if grown[0].axis is not None else "warning"
    if case.learning.learned is None and grown[0].axis is not None:
        return "warning"
    return None


def _finding(case: Case, grown: list[Growth], severity: Severity) -> Finding:
    main = grown[0]
    remedies = ["learning_rate", "gradient_clipping"]
    if main.axis is not None:
        remedies.append("orthogonal_recurrence" if main.axis == "time" else "initialization")
    return Finding(
        condition=INFO.name,
        severity=severity,
        axis=main.axis,
        layers=list(main.layers),
        confidence=joint(
            beyond_decades(min(main.decades, 99.0), main.threshold, main.deviation),
            consequence(case, unknown=foretold_failure(case)),
        ),
        summary=_summary(case, main),
        explanation=_explanation(case, main, remedies),
        evidence=_evidence(case, grown),
        remedies=remedies,
        sources=list(INFO.sources),
    )


_WHERE = {
    "depth": "from the last layer to the first",
    "time": "from the last time step to the first",
    None: "during the run",
}


def _summary(case: Case, main: Growth) -> str:
    effect = " and training diverged" if case.learning.judgement == "diverged" else ""
    return f"The gradient grows by a factor of {power(main.decades)} {_WHERE[main.axis]}{effect}."


def _explanation(case: Case, main: Growth, remedies: list[str]) -> str:
    if main.axis is None:
        how = (
            "Each update threw the weights so far that the next gradient was larger still: the steps are "
            f"too long for this network at a learning rate of {case.trace.run.learning_rate:g}."
        )
    else:
        unit = "layer" if main.axis == "depth" else "time step"
        how = (
            f"Each {unit} multiplies the gradient by more than 1 on its way back, and the factors multiply. "
            "The parameters furthest from the loss then move much too far in one step."
        )
    return " ".join(part for part in (how, _outcome(case), untried(remedies)) if part)


def _outcome(case: Case) -> str:
    if case.learning.judgement == "diverged":
        return (
            "The loss rose instead of falling."
            if math.isfinite(case.learning.loss_last)
            else "The loss ended as NaN or infinity."
        )
    if case.learning.learned is None:
        return "Whether training suffers from it is not known yet."
    evaluation = case.trace.evaluation
    return f"The network did not learn ({metric_words(evaluation)})." if evaluation else ""


def _evidence(case: Case, grown: list[Growth]) -> list[Evidence]:
    found = [
        evidence(
            g.measure, g.decades, g.threshold, step=g.step, layer=g.layers[0] if g.axis == "time" else None
        )
        for g in grown
    ]
    if case.learning.judgement != "not_trained":
        found.append(evidence("loss_ratio", case.learning.loss_ratio, LOSS_RATIO.value))
    return found + case.metric_evidence()


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the gradient explodes",
    explained_by=frozenset({"learning_rate_too_large"}),
    explained_here=lambda case: frozenset(() if grows_backward(case) else {"unstable_training"}),
)
