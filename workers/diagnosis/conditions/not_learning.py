"""A network that does not learn although its gradients arrive."""

import math
from collections.abc import Iterator

from service.contract.conditions.not_learning import INFO, PATIENCE, TINY_UPDATE
from service.contract.conditions.uninformative_data import OVERFIT_RATIO
from service.contract.conditions.vanishing_gradients import ATTENUATION_SUSPICIOUS
from service.contract.diagnosis import Evidence, Finding, Severity
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import joint
from workers.diagnosis.wording import counted, metric_words, number, power, untried

_REMEDIES = ["learning_rate", "check_data", "initialization", "batch_norm"]


def examine(case: Case) -> Iterator[Finding]:
    """A finding if the run was long enough and ended no better than chance."""
    if case.learning.judgement not in {"failed", "diverged"}:
        return
    memorises = case.learning.fits_training_data
    yield Finding(
        condition=INFO.name,
        severity=_severity(case),
        confidence=joint(1 - case.learning.probability),
        summary=_summary(case),
        explanation=_explanation(case, memorises),
        evidence=_evidence(case),
        remedies=["check_data"] if memorises else list(_REMEDIES),
        sources=list(INFO.sources),
    )


def _severity(case: Case) -> Severity:
    """Critical where a reason shows, or after so many steps that patience is no advice any more."""
    if case.learning.fits_training_data:
        return "warning"
    certain = case.learning.judgement == "diverged" or bool(_hint(case))
    return "critical" if certain or case.learning.steps >= PATIENCE.value else "warning"


def _summary(case: Case) -> str:
    words = f": {metric_words(case.trace.evaluation)}" if case.trace.evaluation else ""
    steps = counted(case.learning.steps, "step")
    return f"After {steps} the network is no better than a constant answer{words}."


def _explanation(case: Case, memorises: bool) -> str:
    if memorises:
        return (
            "It fits its training data, so its gradients and its optimizer do their work; what it learns "
            "there does not carry over to held-out data. Either there is nothing to learn in these data, "
            f"or too few of them for this network. {untried(['check_data'])}"
        )
    parts = [
        _about_the_way_back(case),
        _about_fitting(case),
        _about_data(case),
        _hint(case) or "None of the causes that were looked for was found.",
        untried(_REMEDIES),
    ]
    return " ".join(part for part in parts if part)


def _about_the_way_back(case: Case) -> str:
    depth = case.depth
    if depth is None or depth.initial.blocked or depth.run.blocked:
        return ""
    weakest = min(depth.initial.attenuation, depth.run.attenuation)
    if weakest < ATTENUATION_SUSPICIOUS.value:
        return (
            f"At the first layer, the gradient is {power(weakest)} of what it is at the last: weak, which "
            "makes learning slow, but not so weak that it would explain this by itself."
        )
    return "The gradient reaches the layers, so its way back is not the reason."


def _about_fitting(case: Case) -> str:
    match case.fits_a_batch:
        case True:
            return "A copy of it learned 32 samples by heart, so it can be trained."
        case False:
            return (
                "A copy of it could not learn 32 samples by heart in 60 steps either, which speaks against "
                "the network."
            )
    return ""


def _about_data(case: Case) -> str:
    check = case.trace.data_check
    if check is None or not check.neighbour_score > check.neighbour_score_shuffled:
        return ""
    return "The nearest neighbours find something in the data, so there is something to learn."


def _hint(case: Case) -> str:
    if case.update_ratio < TINY_UPDATE.value:
        changed = (
            f"A step changes layers by {number(case.update_ratio, 2)} of their size"
            if case.update_ratio > 0
            else "In most layers a step changes nothing at all, it is lost in rounding"
        )
        return f"{changed}: a learning rate too small."
    return ""


def _evidence(case: Case) -> list[Evidence]:
    learning, evaluation = case.learning, case.trace.evaluation
    found = case.metric_evidence()
    if evaluation is not None:
        measure = "training_accuracy" if evaluation.metric == "accuracy" else "training_error"
        found.append(evidence(measure, evaluation.after_on_training_data, learning.limit))
    found.append(evidence("loss_ratio", learning.loss_ratio))
    if case.depth is not None:
        found.append(
            evidence(
                "attenuation",
                case.depth.initial.attenuation,
                -case.vanishing_limit,
                step=case.depth.initial.step,
            )
        )
    if math.isfinite(case.update_ratio):
        found.append(evidence("update_ratio", case.update_ratio, TINY_UPDATE.value))
    if case.fits_a_batch is not None:
        ratio = case.examined_first("overfit_ratio")
        found.append(evidence("overfit_ratio", ratio, OVERFIT_RATIO.value, step=0))
    return found


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the network does not learn",
    explained_by=frozenset(
        {
            "class_imbalance",
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
            "overfitting",
            "poor_initialization",
            "saturated_activations",
            "slow_convergence",
            "uninformative_data",
            "unscaled_inputs",
            "unstable_training",
            "vanishing_gradients",
            "weights_near_zero",
        }
    ),
)
