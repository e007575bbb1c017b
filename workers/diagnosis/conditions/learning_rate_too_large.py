"""Steps that overshoot."""

from collections.abc import Iterator

import numpy as np

from service.contract.conditions.learning_rate_too_large import (
    BEST_STEP,
    FIRST_JUMP,
    FIRST_UPDATE,
    INFO,
    UPDATE_RATIO,
)
from service.contract.conditions.unstable_training import REBOUND
from service.contract.diagnosis import Evidence, Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.onset import first_jump, first_update_ratio
from workers.diagnosis.wording import number, power


def examine(case: Case) -> Iterator[Finding]:
    """A finding if steps are too long by either measure, and training suffered. The gradient must have been
    sound, unless steps whose length does not depend on it threw the first weights away."""
    step, update = case.examined_first("best_step_ratio"), case.update_ratio
    overshoots = step < BEST_STEP.value and not case.adaptive
    first = first_update_ratio(case)
    throws = first > FIRST_UPDATE.value or min(first, update) > UPDATE_RATIO.value
    sound = case.gradient_passes or (case.adaptive and first > FIRST_UPDATE.value)
    if not ((overshoots or throws) and sound and _suffers(case)):
        return
    how = (
        f"the best step along the gradient is {power(step)} times as long"
        if overshoots
        else f"the first step changes the weights by {number(first, 2)} of their size"
    )
    decades = BEST_STEP.value - step if overshoots else float(np.log10(first / UPDATE_RATIO.value))
    yield finding(
        INFO,
        BY_HARM[case.harm],
        confidence(case, beyond_decades(min(decades, 99.0), 0.0, 0.0)),
        summary=f"The learning rate {case.trace.run.learning_rate:g} is too large: {how}.",
        explanation=f"{_about_the_gradient(case)} {outcome_words(case)}",
        evidence=_evidence(case, step),
        remedies=("learning_rate", "gradient_clipping"),
    )


def _about_the_gradient(case: Case) -> str:
    if case.gradient_passes:
        return (
            "At the first step the gradient passes all layers with healthy gains; it is the length of the "
            "steps that throws the weights beyond where they should go."
        )
    return (
        "This optimizer makes steps of the learning rate's length, whatever the gradient: after the first, "
        "little is left of the weights that the network began with."
    )


def _suffers(case: Case) -> bool:
    if case.harm not in {"failed", "poor"}:
        return False
    jumps = first_jump(case) > FIRST_JUMP.value
    unstable = case.learning.judgement == "diverged" or case.loss_rebound > REBOUND.value or jumps
    bad_loss = not bool(np.isfinite(case.trace.loss).all())
    return unstable or bad_loss or (case.harm == "failed" and case.fits_a_batch is True)


def _evidence(case: Case, step: float) -> list[Evidence]:
    return [
        evidence("best_step_ratio", step, BEST_STEP.value, step=0),
        evidence("update_ratio", case.update_ratio, UPDATE_RATIO.value),
        evidence("first_update_ratio", first_update_ratio(case), FIRST_UPDATE.value, step=0),
        evidence("first_jump", first_jump(case), FIRST_JUMP.value),
        evidence("loss_rebound", case.loss_rebound, REBOUND.value),
        *case.metric_evidence(),
    ]


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the steps are too long",
    explained_by=frozenset({"uninformative_data", "unscaled_inputs"}),
)
