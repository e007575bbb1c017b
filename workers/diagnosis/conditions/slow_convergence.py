"""Learning that goes on, but slowly."""

from collections.abc import Iterator

from service.contract.conditions.not_learning import ENOUGH_STEPS
from service.contract.conditions.slow_convergence import BEST_STEP, INFO, LOSS_RATIO, OVERFIT_RATIO
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, beyond_share, joint
from workers.diagnosis.findings import finding
from workers.diagnosis.learning import still_falling
from workers.diagnosis.wording import percent, power


def examine(case: Case) -> Iterator[Finding]:
    """A warning if most of the loss is left, it still falls, and longer steps would help."""
    left, step = case.learning.loss_ratio, case.examined_last("best_step_ratio")
    slow = (
        case.learning.steps >= ENOUGH_STEPS.value
        and case.harm in {"unknown", "poor"}
        and LOSS_RATIO.value < left <= 1
        and still_falling(case.trace.loss)
    )
    able = case.fits_a_batch is True and case.gradient_passes
    if not (slow and able and step > BEST_STEP.value and not case.adaptive):
        return
    yield finding(
        INFO,
        "warning",
        joint(beyond_share(left, LOSS_RATIO.value), beyond_decades(step, BEST_STEP.value, 0.0)),
        summary=f"After {case.learning.steps} steps {percent(left)} of the first loss is left, and it still "
        f"falls: a step {power(step)} times as long would lower it most.",
        explanation="The loss falls steadily, the gradient passes all layers, and a copy of the network "
        "learns 32 samples by heart at once. So nothing in the network prevents faster learning; the steps "
        "are short for it.",
        evidence=[
            evidence("loss_ratio", left, LOSS_RATIO.value),
            evidence("best_step_ratio", step, BEST_STEP.value),
            evidence("overfit_ratio", case.examined_first("overfit_ratio"), OVERFIT_RATIO.value),
            *case.metric_evidence(),
        ],
        remedies=("learning_rate", "more_steps"),
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="it learns slowly",
    explained_by=frozenset(
        {
            "disconnected_parameters",
            "error_signal_saturated",
            "gradient_underflow",
            "learning_rate_too_small",
            "uninformative_data",
            "unscaled_inputs",
            "vanishing_gradients",
        }
    ),
)
