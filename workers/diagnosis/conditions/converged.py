"""A network that has finished learning."""

import math
from collections.abc import Iterator

from service.contract.conditions.converged import ERROR_SIGNAL_RATIO, INFO, LOSS_RATIO
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, joint
from workers.diagnosis.wording import metric_words, percent


def examine(case: Case) -> Iterator[Finding]:
    """A note if it learned and little error is left."""
    loss, error = case.learning.loss_ratio, case.error_signal_ratio
    if not (case.learning.learned and loss < LOSS_RATIO.value and error < ERROR_SIGNAL_RATIO.value):
        return
    margin = math.log10(ERROR_SIGNAL_RATIO.value) - math.log10(max(error, 1e-30))
    outcome = f" ({metric_words(case.trace.evaluation)})" if case.trace.evaluation else ""
    yield Finding(
        condition=INFO.name,
        severity="note",
        confidence=joint(case.learning.probability, beyond_decades(margin, 0.0, 0.0)),
        summary=f"The network has learned{outcome} and converged: {percent(loss)} of its first loss is left.",
        explanation="Its gradients are small because little error is left to correct, in all layers "
        "alike; that is "
        f"no loss of gradient. The error signal at the output is {error:.2g} of what it was at first.",
        evidence=[
            evidence("error_signal_ratio", error, ERROR_SIGNAL_RATIO.value),
            evidence("loss_ratio", loss, LOSS_RATIO.value),
            *case.metric_evidence(),
        ],
        sources=list(INFO.sources),
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    reassures=True,
    explained_by=frozenset(
        {
            "disconnected_parameters",
            "exploding_gradients",
            "non_finite",
            "unstable_training",
            "vanishing_gradients",
        }
    ),
)
