"""Data from which nothing can be learned."""

from collections.abc import Iterator

from service.contract.conditions.class_imbalance import LARGEST_CLASS
from service.contract.conditions.not_learning import ENOUGH_STEPS
from service.contract.conditions.uninformative_data import CONSTANT, INFO, OVERFIT_RATIO
from service.contract.diagnosis import Finding, Severity
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import joint
from workers.diagnosis.findings import BY_HARM, confidence, finding
from workers.diagnosis.learning import still_falling
from workers.diagnosis.wording import metric_words, number
from workers.probes.trace import DataCheck

NEIGHBOURS_BLIND = 0.8
"""Confidence at most where the nearest neighbours speak for the data: they do not see every structure."""


AT_CHANCE = 0.05
"""Probability under which the held-out metric is not beyond its limit."""


def examine(case: Case) -> Iterator[Finding]:
    """Constant inputs; or neither network nor neighbours learn, although the network could."""
    check = case.trace.data_check
    if check is None or case.learning.learned:
        return
    if check.constant_features >= CONSTANT.value:
        yield _constant(case)
    elif _nothing_to_learn(case, check):
        yield _shuffled(case, check)


def _nothing_to_learn(case: Case, check: DataCheck) -> bool:
    if check.largest_class_share >= LARGEST_CLASS.value:
        return False  # neighbours that vote name the largest class, whatever the inputs say of the others
    able = case.learning.fits_training_data or case.fits_a_batch is True
    blind = check.neighbour_score <= check.neighbour_score_shuffled
    return blind and able and case.gradient_passes and _holds_for_no_others(case)


def _holds_for_no_others(case: Case) -> bool:
    """It did not learn; or it learns its training samples by heart while others stay at chance."""
    if case.learning.judgement == "failed":
        return True
    by_heart = case.learning.fits_training_data and case.learning.steps >= ENOUGH_STEPS.value
    return by_heart and case.learning.judgement == "too_early" and case.learning.probability < AT_CHANCE


def _severity(case: Case) -> Severity:
    """No more than a warning while the training loss still falls: something may yet come of it."""
    return "warning" if still_falling(case.trace.loss) else BY_HARM[case.harm]


def _constant(case: Case) -> Finding:
    return finding(
        INFO,
        "critical",
        joint(1.0),
        summary="The inputs are the same for all samples: there is nothing to tell them apart by.",
        explanation="Whatever the network does, it gives the same answer to every sample. The best it can "
        "reach is the best constant answer. The gradient may vanish too, or units die: that follows from it.",
        evidence=[evidence("constant_features", 1.0, CONSTANT.value), *case.metric_evidence()],
        remedies=("check_data",),
    )


def _shuffled(case: Case, check: DataCheck) -> Finding:
    words = f" ({metric_words(case.trace.evaluation)})" if case.trace.evaluation else ""
    return finding(
        INFO,
        _severity(case),
        confidence(case, NEIGHBOURS_BLIND),
        summary=f"The inputs seem to say nothing about the targets: neither the network{words} nor the "
        "nearest "
        f"neighbours find anything (score {number(check.neighbour_score)}, "
        f"{number(check.neighbour_score_shuffled)} with permuted targets).",
        explanation="The gradient passes all layers, and the network can learn samples by heart, so it "
        "works. "
        "What it learns does not hold for other samples, and the nearest neighbours do no better than with "
        "targets that were shuffled on purpose. Check that inputs and targets belong together.",
        evidence=[
            evidence("neighbour_score", check.neighbour_score, check.neighbour_score_shuffled),
            evidence("overfit_ratio", case.examined_first("overfit_ratio"), OVERFIT_RATIO.value, step=0),
            *case.metric_evidence(),
        ],
        remedies=("check_data",),
    )


CONDITION = Condition(info=INFO, examine=examine, consequence="nothing can be learned from the data")
