"""A network that has finished learning."""

import math
from collections.abc import Iterator

from service.contract.conditions.converged import ERROR_LEVEL, ERROR_SIGNAL_RATIO, INFO, LOSS_RATIO
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, joint
from workers.diagnosis.wording import metric_words, percent

RISEN = 1.1
"""A loss that ends so many times above its first has not settled, whatever is left of the error."""


def examine(case: Case) -> Iterator[Finding]:
    """A note if it learned and little error is left."""
    loss, error = case.learning.loss_ratio, case.error_signal_ratio
    level = case.examined_last("error_level")
    fallen = loss < LOSS_RATIO.value and error < ERROR_SIGNAL_RATIO.value
    level_low = level < ERROR_LEVEL.value and not loss > RISEN
    if not (case.learning.learned and (fallen or level_low)):
        return
    left = f"{percent(loss)} of its first loss" if fallen else f"{percent(level)} of the largest error"
    reached = error / ERROR_SIGNAL_RATIO.value if fallen else level / ERROR_LEVEL.value
    margin = -math.log10(max(reached, 1e-30))
    outcome = f" ({metric_words(case.trace.evaluation)})" if case.trace.evaluation else ""
    yield Finding(
        condition=INFO.name,
        severity="note",
        confidence=joint(case.learning.probability, beyond_decades(margin, 0.0, 0.0)),
        summary=f"The network has learned{outcome} and converged: {left} is left.",
        explanation="Its gradients are small because little error is left to correct, in all layers "
        "alike; that is no loss of gradient.",
        evidence=[
            evidence("error_signal_ratio", error, ERROR_SIGNAL_RATIO.value),
            evidence("loss_ratio", loss, LOSS_RATIO.value),
            evidence("error_level", level, ERROR_LEVEL.value),
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
