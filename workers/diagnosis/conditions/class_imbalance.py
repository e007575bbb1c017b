"""A class that nearly all samples belong to."""

import math
from collections.abc import Iterator

from service.contract.conditions.class_imbalance import INFO, LARGEST_ANSWER, LARGEST_CLASS
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.wording import percent


def examine(case: Case) -> Iterator[Finding]:
    """A finding by what became of training; a note where the gradient does not arrive anyway."""
    check = case.trace.data_check
    if check is None or not check.largest_class_share >= LARGEST_CLASS.value:
        return
    answers = case.trace.evaluation.largest_answer_share if case.trace.evaluation else math.nan
    blameless = case.harm == "unknown" or not case.gradient_passes or answers < LARGEST_ANSWER.value
    share = check.largest_class_share
    yield finding(
        INFO,
        "note" if blameless else BY_HARM[case.harm],
        confidence(case, beyond_share(share, LARGEST_CLASS.value)),
        summary=f"{percent(share)} of the samples belong to one class.",
        explanation="To name that class always is right for so many samples that the loss falls quickly to "
        "this answer; the few others hardly pull away from it, and accuracy does not show what is missing. "
        f"{outcome_words(case)}",
        evidence=[
            evidence("largest_class_share", share, LARGEST_CLASS.value),
            evidence("largest_answer_share", answers, LARGEST_ANSWER.value),
            *case.metric_evidence(),
        ],
        remedies=("class_weights",),
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the largest class is all it names",
    explained_by=frozenset(
        {
            "dead_units",
            "disconnected_parameters",
            "error_signal_saturated",
            "exploding_gradients",
            "forward_collapse",
            "frozen_parameters",
            "gradient_underflow",
            "learning_rate_too_large",
            "learning_rate_too_small",
            "non_finite",
            "poor_initialization",
            "saturated_activations",
            "uninformative_data",
            "unscaled_inputs",
            "unstable_training",
        }
    ),
)
