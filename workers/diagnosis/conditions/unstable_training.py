"""A loss that does not settle."""

import math
from collections.abc import Iterator

from service.contract.conditions.unstable_training import INFO, REBOUND
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.onset import grows_backward
from workers.diagnosis.wording import number

LONG_MOMENTUM = 0.98
"""Momentum that is worth a word: it adds up fifty steps."""


def examine(case: Case) -> Iterator[Finding]:
    """A finding if the smoothed loss rose far above its own minimum, and training suffered."""
    rebound = case.loss_rebound
    diverged = case.learning.judgement == "diverged" and math.isfinite(case.learning.loss_last)
    momentum = case.trace.run.momentum or 0.0
    if case.harm not in {"failed", "poor"} or not (rebound > REBOUND.value or diverged):
        return
    kind = "diverges" if diverged else "does not settle"
    probability = beyond_decades(math.log10(max(rebound, 1e-9) / REBOUND.value), 0.0, 0.0)
    yield finding(
        INFO,
        BY_HARM[case.harm],
        confidence(case, 1.0 if diverged else probability),
        summary=f"Training {kind}: the loss rose by {number(rebound)} times its first value above its own "
        "minimum."
        if math.isfinite(rebound)
        else f"Training {kind}: the loss rose beyond all bounds.",
        explanation="Single batches are smoothed away, so this is no noise: later steps undo what earlier "
        f"ones achieved. {_about_momentum(momentum)}{outcome_words(case)}",
        evidence=[
            evidence("loss_rebound", rebound, REBOUND.value),
            evidence("loss_ratio", case.learning.loss_ratio),
            *case.metric_evidence(),
        ],
        remedies=("learning_rate", "gradient_clipping"),
    )


def _about_momentum(momentum: float) -> str:
    if momentum < LONG_MOMENTUM:
        return ""
    return (
        f"A momentum of {momentum:g} adds up about {1 / (1 - momentum):.0f} steps, so that the weights go on "
        "past every minimum. "
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="training becomes unstable",
    explained_by=frozenset({"learning_rate_too_large", "unscaled_inputs"}),
    explained_here=lambda case: frozenset({"exploding_gradients"} if grows_backward(case) else ()),
)
