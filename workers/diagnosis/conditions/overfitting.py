"""A network that knows its training data far better than others."""

import math
from collections.abc import Iterator

from service.contract.conditions.overfitting import GAP, INFO, STANDARD_ERRORS
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond, joint
from workers.diagnosis.findings import finding
from workers.diagnosis.wording import number
from workers.probes.trace import Evaluation


def examine(case: Case) -> Iterator[Finding]:
    """A warning if it fits its training data, and far better than held-out data."""
    evaluation = case.trace.evaluation
    if evaluation is None or not (case.learning.fits_training_data and _something_to_learn(case)):
        return
    seen, unseen = _skill(evaluation, evaluation.after_on_training_data), _skill(evaluation, evaluation.after)
    error = _error(evaluation)
    gap = seen - max(unseen, 0.0)
    if not gap > max(GAP.value, STANDARD_ERRORS.value * error):
        return
    yield finding(
        INFO,
        "warning",
        joint(beyond(gap, GAP.value, max(error, 0.05))),
        summary=f"The network overfits: its skill is {number(seen, 2)} on training data and "
        f"{number(max(unseen, 0.0), 2)} on held-out data.",
        explanation="Part of what it learned are accidents of the training samples, which do not hold for "
        "others. Its gradients and its optimizer work; it has too few samples for its size, or trained too "
        "long on them.",
        evidence=[
            evidence("generalisation_gap", gap, GAP.value),
            evidence("skill", unseen),
            *case.metric_evidence(),
        ],
        remedies=("regularisation",),
    )


def _something_to_learn(case: Case) -> bool:
    """Whether it learned something that holds for other data, or at least the nearest neighbours do."""
    check = case.trace.data_check
    neighbours = check is not None and check.neighbour_score > check.neighbour_score_shuffled
    return case.learning.learned is True or (case.learning.learned is False and neighbours)


def _skill(evaluation: Evaluation, value: float) -> float:
    """0 at chance, 1 perfect."""
    chance = evaluation.chance
    if evaluation.metric == "accuracy":
        return (value - chance) / (1 - chance) if chance < 1 else math.nan
    return 1 - value / chance if chance > 0 else math.nan


def _error(evaluation: Evaluation) -> float:
    """Standard error of the held-out skill."""
    n, value = max(evaluation.samples, 1), evaluation.after
    if evaluation.metric == "accuracy":
        left = 1 - evaluation.chance
        return math.sqrt(max(value * (1 - value), 1 / (4 * n)) / n) / left if left > 0 else math.inf
    return math.sqrt(2 / n) * value / evaluation.chance if evaluation.chance > 0 else math.inf


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="what it learns holds for its training data only",
    explained_by=frozenset({"uninformative_data", "vanishing_gradients"}),
)
