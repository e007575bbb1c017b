"""Learning that goes on, but slowly."""

import math
from collections.abc import Iterator

from service.contract.conditions.not_learning import ENOUGH_STEPS
from service.contract.conditions.slow_convergence import (
    INFO,
    LINE_GAIN,
    LOSS_RATIO,
    OVERFIT_RATIO,
    PATH,
    STEP_HEADROOM,
)
from service.contract.diagnosis import Evidence, Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, beyond_share, joint
from workers.diagnosis.findings import finding
from workers.diagnosis.learning import falls_on
from workers.diagnosis.wording import percent, power

OVERFIT_LEARNING_RATE = 3e-3
"""Of the Adam steps with which a copy is to learn 32 samples; see `Examination.overfit_ratio`."""
HALVED = 0.5
"""What those steps must leave at most to count as learning faster."""


def examine(case: Case) -> Iterator[Finding]:
    """A warning if most of the loss is left, it still falls, and longer steps would help."""
    left = case.learning.loss_ratio
    slow = (
        case.learning.steps >= ENOUGH_STEPS.value
        and case.harm in {"failed", "unknown", "poor"}
        and LOSS_RATIO.value < left <= 1
        and falls_on(case.trace.loss)
        and not _as_good_as_neighbours(case)
    )
    headroom = _headroom(case)
    if not (slow and case.gradient_passes and headroom is not None):
        return
    decades, words, measured = headroom
    yield finding(
        INFO,
        "warning",
        joint(beyond_share(left, LOSS_RATIO.value), beyond_decades(decades, 1.0, 0.0)),
        summary=f"After {case.learning.steps} steps {percent(left)} of the first loss is left, though it "
        f"falls: {words}.",
        explanation=f"The loss falls, the gradient passes all layers, and {_for_the_network(case)}. So "
        "nothing in the network prevents faster learning; the steps are short for it.",
        evidence=[
            evidence("loss_ratio", left, LOSS_RATIO.value),
            measured,
            evidence("overfit_ratio", case.examined_first("overfit_ratio"), OVERFIT_RATIO.value),
            *case.metric_evidence(),
        ],
        remedies=("learning_rate", "more_steps"),
    )


def _as_good_as_neighbours(case: Case) -> bool:
    """Whether it already does what the nearest neighbours do: where the data are noisy, there may be no more
    to learn, and the loss that is left is the noise's."""
    check, evaluation = case.trace.data_check, case.trace.evaluation
    if check is None or evaluation is None or not case.learning.learned:
        return False
    accuracy = evaluation.metric == "accuracy"
    return (evaluation.after if accuracy else case.learning.skill) >= check.neighbour_score


def _for_the_network(case: Case) -> str:
    if case.fits_a_batch is not False or case.adaptive:
        return "a copy of the network learns 32 samples by heart with longer steps"
    return "networks that begin like this one learn"


def _headroom(case: Case) -> tuple[float, str, Evidence] | None:
    """By how many decades longer steps do better, in words and as evidence; None if that was not shown."""
    if case.adaptive:
        return _room_for_adaptive_steps(case)
    step, gain = case.step_headroom, case.examined_last("line_search_gain")
    worth_it = case.harm != "failed" or gain > LINE_GAIN.value
    if not (step > STEP_HEADROOM.value and worth_it and case.can_learn):
        return None
    words = f"a step {power(step)} times as long would lower it most"
    return step, words, evidence("step_headroom", step, STEP_HEADROOM.value)


def _room_for_adaptive_steps(case: Case) -> tuple[float, str, Evidence] | None:
    """Their length is the learning rate, so that of the copy that learned 32 samples tells of longer ones."""
    decades = math.log10(OVERFIT_LEARNING_RATE / max(case.trace.run.learning_rate, 1e-300))
    path = case.path
    halved = case.examined_first("overfit_ratio") < HALVED
    if not (decades >= 1.0 and path < PATH.value and halved):
        return None
    words = f"all steps together can have changed the weights by {percent(path)} of their size at most"
    return 1.0 + decades, words, evidence("path", path, PATH.value)


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="it learns slowly",
    explained_by=frozenset(
        {
            "disconnected_parameters",
            "forward_collapse",
            "error_signal_saturated",
            "gradient_underflow",
            "learning_rate_too_small",
            "saturated_activations",
            "uninformative_data",
            "unscaled_inputs",
            "vanishing_gradients",
        }
    ),
)
