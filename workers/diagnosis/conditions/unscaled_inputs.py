"""Inputs of very different scales, or far from zero."""

import math
from collections.abc import Iterator
from typing import NamedTuple

from service.contract.conditions.not_learning import ENOUGH_STEPS
from service.contract.conditions.unscaled_inputs import INFO, INPUT_SCALE, MEAN_RATIO, SCALE_RATIO
from service.contract.diagnosis import Evidence, Finding, Severity
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.wording import number, power
from workers.probes.trace import DataCheck

NORMALISATIONS = frozenset({"batch_norm", "layer_norm", "group_norm"})


def examine(case: Case) -> Iterator[Finding]:
    """A finding by the measure that is farthest beyond its threshold, unless the network scales its inputs
    itself."""
    check = case.trace.data_check
    if check is None or _scales_itself(case):
        return
    fault = max(_faults(check), key=lambda fault: fault.excess)
    if not fault.excess > 0 or _too_soon(case):
        return
    yield finding(
        INFO,
        _severity(case, check),
        confidence(case, beyond_decades(min(fault.excess, 99.0), 0.0, 0.0)),
        summary=fault.summary,
        explanation=f"{fault.harm} {outcome_words(case)}",
        evidence=[*_evidence(check), *case.metric_evidence()],
        remedies=("standardise_inputs", "batch_norm"),
    )


class Fault(NamedTuple):
    """One way in which inputs can be out of scale."""

    excess: float
    """Decades beyond the threshold; negative if it is not reached or not known."""
    summary: str
    harm: str


_UNEVEN = (
    "The largest inputs decide what every unit answers and which way the weights go; a learning rate that "
    "suits their weights is far too small for all the others, and one that suits the others is too large for "
    "them."
)


def _faults(check: DataCheck) -> list[Fault]:
    ratio, mean, size = check.feature_scale_ratio, check.input_mean_ratio, check.input_scale
    grown = "larger" if size > 0 else "smaller"
    faults = [
        Fault(
            ratio - SCALE_RATIO.value,
            f"The inputs are not scaled: one feature varies {power(ratio)} times as much as the median one.",
            _UNEVEN,
        ),
        Fault(
            math.log10(mean / MEAN_RATIO.value) if mean > 0 else -math.inf,
            f"The inputs are not centred: their mean is {number(mean)} standard deviations from zero.",
            _UNEVEN,
        ),
        Fault(
            abs(size) - INPUT_SCALE.value,
            f"The inputs are not scaled: their root mean square is {power(size)}, and first weights are made "
            "for 1.",
            f"What the first layer gives, and the gradient of its weights, is as many times {grown} than "
            "initialisation and learning rate are made for.",
        ),
    ]
    return [fault._replace(excess=-math.inf) if math.isnan(fault.excess) else fault for fault in faults]


def _too_soon(case: Case) -> bool:
    """Whether nothing can be said: it was not trained, or hardly."""
    tried = case.learning.judgement == "too_early" and case.learning.steps >= ENOUGH_STEPS.value
    return case.harm == "unknown" and not tried


def _severity(case: Case, check: DataCheck) -> Severity:
    """Where it is too early to tell, by whether the steps made can have been enough."""
    if case.harm != "unknown":
        return BY_HARM[case.harm]
    scales = check.feature_scale_ratio if math.isfinite(check.feature_scale_ratio) else 0.0
    condition_number = max(10 ** (2 * min(scales, 99.0)), check.input_mean_ratio**2)
    return "critical" if condition_number > case.learning.steps else "warning"


def _scales_itself(case: Case) -> bool:
    first = next((layer for layer in case.trace.layers if layer.parameters > 0), None)
    return first is not None and first.op in NORMALISATIONS


def _evidence(check: DataCheck) -> list[Evidence]:
    return [
        evidence("feature_scale_ratio", check.feature_scale_ratio, SCALE_RATIO.value),
        evidence("input_mean_ratio", check.input_mean_ratio, MEAN_RATIO.value),
        evidence("input_scale", check.input_scale, INPUT_SCALE.value),
    ]


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the inputs are not scaled",
    explained_by=frozenset({"uninformative_data"}),
)
