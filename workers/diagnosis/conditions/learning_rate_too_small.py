"""Steps that are too short to change anything."""

from collections.abc import Iterator

from service.contract.conditions.learning_rate_too_small import (
    BEST_STEP,
    INFO,
    LINE_GAIN,
    LOSS_RATIO,
    TINY_ADAPTIVE_UPDATE,
)
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, foretold_failure, outcome_words
from workers.diagnosis.wording import percent, power


def examine(case: Case) -> Iterator[Finding]:
    """A finding if a far longer step would clearly lower the loss, and the loss has hardly moved."""
    step, gain = case.examined_last("best_step_ratio"), case.examined_last("line_search_gain")
    stuck = case.learning.judgement == "not_trained" or case.learning.loss_ratio > LOSS_RATIO.value
    suffers = case.harm in {"failed", "unknown"} and case.learning.judgement != "diverged"
    short = step > BEST_STEP.value and (not case.adaptive or case.update_ratio < TINY_ADAPTIVE_UPDATE.value)
    able = case.fits_a_batch is not False and case.gradient_passes and gain > LINE_GAIN.value
    if not (short and able and stuck and suffers):
        return
    yield finding(
        INFO,
        BY_HARM[case.harm],
        confidence(
            case,
            beyond_decades(step, BEST_STEP.value, 0.0),
            beyond_share(gain, LINE_GAIN.value),
            unknown=foretold_failure(case, as_planned=True),
        ),
        summary=f"The learning rate {case.trace.run.learning_rate:g} is far too small: the best step along "
        "the "
        f"gradient is {power(step)} times as long.",
        explanation="The gradient passes all layers and points the right way: on a copy of the network, one "
        f"step of that length took {percent(gain)} of the loss away. Steps as short as these change nothing "
        f"in the time given. {outcome_words(case)}",
        evidence=[
            evidence("best_step_ratio", step, BEST_STEP.value),
            evidence("line_search_gain", gain, LINE_GAIN.value),
            evidence("update_ratio", case.update_ratio),
            *case.metric_evidence(),
        ],
        remedies=("learning_rate",),
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the steps are too short for the gradient that is left",
    explained_by=frozenset(
        {
            "dead_units",
            "disconnected_parameters",
            "error_signal_saturated",
            "forward_collapse",
            "gradient_underflow",
            "uninformative_data",
            "vanishing_gradients",
        }
    ),
)
