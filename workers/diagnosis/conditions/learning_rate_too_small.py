"""Steps that are too short to change anything."""

import math
from collections.abc import Iterator

from service.contract.conditions.learning_rate_too_small import (
    CLIPPED,
    INFO,
    LINE_GAIN,
    LOSS_RATIO,
    PATH,
    STEP_HEADROOM,
)
from service.contract.conditions.not_learning import ENOUGH_STEPS
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, beyond_share
from workers.diagnosis.findings import (
    BY_HARM,
    confidence,
    finding,
    foretold_failure,
    outcome_words,
)
from workers.diagnosis.wording import percent, power

STILL = 0.1
"""Part of the path's threshold below which a loss that falls does so because its batches differ."""
TINIEST = 1e-30
"""Of paths that are told apart."""
NETWORKS_FAULTS = frozenset(
    {
        "error_signal_saturated",
        "forward_collapse",
        "saturated_activations",
        "vanishing_gradients",
    }
)
"""What makes the gradient small, and with it the steps of SGD."""
OTHERS_FAULTS = frozenset(
    {
        "dead_units",
        "disconnected_parameters",
        "gradient_underflow",
        "poor_initialization",
        "uninformative_data",
        "unscaled_inputs",
    }
)
"""What makes it exactly zero, so that no optimizer makes a step; or lies outside the network."""


def examine(case: Case) -> Iterator[Finding]:
    """A finding if the loss has hardly moved, and by either measure it is the steps that are too short."""
    suffers = case.harm in {"failed", "unknown"} and case.learning.judgement != "diverged"
    symptom = max(_by_line_search(case), _by_path(case))
    if not (_stuck(case) and suffers and symptom > 0.0):
        return
    yield finding(
        INFO,
        BY_HARM[case.harm],
        confidence(case, symptom, unknown=foretold_failure(case, as_planned=True)),
        summary=f"The learning rate {case.trace.run.learning_rate:g} is far too small: {_how(case)}.",
        explanation=f"{_about_the_gradient(case)} Steps as short as these change nothing in the time given. "
        f"{_about_clipping(case)}{outcome_words(case)}",
        evidence=[
            evidence("step_headroom", case.step_headroom, STEP_HEADROOM.value),
            evidence("line_search_gain", case.examined_last("line_search_gain"), LINE_GAIN.value),
            evidence("update_ratio", case.update_ratio),
            evidence("path", case.path, PATH.value),
            *([evidence("clipped_to", case.clipped_to, CLIPPED.value)] if _clipped(case) else []),
            *case.metric_evidence(),
        ],
        remedies=("gradient_clipping", "learning_rate") if _clipped(case) else ("learning_rate",),
    )


def _stuck(case: Case) -> bool:
    unmoved = case.learning.loss_ratio > LOSS_RATIO.value or case.path < STILL * PATH.value
    return case.learning.judgement == "not_trained" or unmoved


def _by_line_search(case: Case) -> float:
    """Probability that a far longer step along the gradient would clearly lower the loss. Of SGD alone: the
    steps of the others do not go along the gradient."""
    step, gain = case.step_headroom, case.examined_last("line_search_gain")
    able = case.fits_a_batch is not False and case.gradient_passes
    if case.adaptive or not (able and step > STEP_HEADROOM.value and gain > LINE_GAIN.value):
        return 0.0
    return beyond_decades(step, STEP_HEADROOM.value, 0.0) * beyond_share(gain, LINE_GAIN.value)


def _by_path(case: Case) -> float:
    """Probability that all steps together were too short to change anything. SGD's are in proportion to the
    gradient, so there the network must be able to learn; the others' have the learning rate's length."""
    if case.learning.steps < ENOUGH_STEPS.value or not case.path < PATH.value:
        return 0.0
    if not case.adaptive and not (case.gradient_passes and _can_learn(case)):
        return 0.0
    return beyond_decades(math.log10(PATH.value / max(case.path, TINIEST)), 0.0, 0.0)


def _can_learn(case: Case) -> bool:
    return case.can_learn or case.examined_last("line_search_gain") > LINE_GAIN.value


def _how(case: Case) -> str:
    if _by_line_search(case) > _by_path(case):
        return f"the best step along the gradient is {power(case.step_headroom)} times as long"
    if case.path == 0.0:
        return "in most layers the steps change nothing at all, they are lost in rounding"
    return f"all {case.learning.steps} steps together changed the weights by at most {percent(case.path)}"


def _about_the_gradient(case: Case) -> str:
    if _by_line_search(case) > 0.0:
        return (
            "The gradient passes all layers and points the right way: on a copy of the network, one step of "
            f"the best length took {percent(case.examined_last('line_search_gain'))} of the loss away."
        )
    if case.adaptive:
        return "This optimizer makes steps of the learning rate's length, whatever the size of the gradient."
    return "The gradient passes all layers, and nothing was found in the network that keeps it from learning."


def _clipped(case: Case) -> bool:
    return not case.adaptive and case.clipped_to < CLIPPED.value


def _about_clipping(case: Case) -> str:
    if not _clipped(case):
        return ""
    return (
        f"Clipping makes them so short: clip_grad_norm {case.trace.run.clip_grad_norm:g} leaves "
        f"{percent(case.clipped_to)} of the gradient. "
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the steps are too short for the gradient that is left",
    explained_by=OTHERS_FAULTS,
    explained_here=lambda case: frozenset() if case.adaptive else NETWORKS_FAULTS,
)
