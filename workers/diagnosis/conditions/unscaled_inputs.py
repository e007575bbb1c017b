"""Inputs of very different scales, or far from zero."""

import math
from collections.abc import Iterator

from service.contract.conditions.not_learning import ENOUGH_STEPS
from service.contract.conditions.unscaled_inputs import INFO, MEAN_RATIO, SCALE_RATIO
from service.contract.diagnosis import Evidence, Finding, Severity
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.wording import number, power
from workers.probes.trace import DataCheck

NORMALISATIONS = frozenset({"batch_norm", "layer_norm", "group_norm"})


def examine(case: Case) -> Iterator[Finding]:
    """A finding by either measure, unless the network scales its inputs itself."""
    check = case.trace.data_check
    if check is None or _scales_itself(case):
        return
    apart, offset = check.feature_scale_ratio > SCALE_RATIO.value, check.input_mean_ratio > MEAN_RATIO.value
    if not (apart or offset) or _too_soon(case):
        return
    decades = check.feature_scale_ratio - SCALE_RATIO.value if apart else _decades(check)
    yield finding(
        INFO,
        _severity(case, check),
        confidence(case, beyond_decades(min(decades, 99.0), 0.0, 0.0)),
        summary=_summary(check, apart),
        explanation="The largest inputs decide what every unit answers and which way the weights go; a "
        "learning rate that suits their weights is far too small for all the others, and one that suits the "
        f"others is too large for them. {outcome_words(case)}",
        evidence=[*_evidence(check), *case.metric_evidence()],
        remedies=("standardise_inputs", "batch_norm"),
    )


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


def _decades(check: DataCheck) -> float:
    return math.log10(check.input_mean_ratio / MEAN_RATIO.value)


def _summary(check: DataCheck, apart: bool) -> str:
    if apart:
        return (
            f"The inputs are not scaled: one feature varies {power(check.feature_scale_ratio)} times as "
            "much as "
            "the median one."
        )
    return (
        f"The inputs are not centred: their mean is {number(check.input_mean_ratio)} standard deviations "
        "from "
        "zero."
    )


def _evidence(check: DataCheck) -> list[Evidence]:
    return [
        evidence("feature_scale_ratio", check.feature_scale_ratio, SCALE_RATIO.value),
        evidence("input_mean_ratio", check.input_mean_ratio, MEAN_RATIO.value),
    ]


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the inputs are not scaled",
    explained_by=frozenset({"uninformative_data"}),
)
