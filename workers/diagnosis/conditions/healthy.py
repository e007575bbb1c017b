"""Nothing wrong, and why one may say so."""

import math
from collections.abc import Iterator

from service.contract.conditions import CONDITIONS
from service.contract.conditions.exploding_gradients import ATTENUATION
from service.contract.conditions.healthy import INFO
from service.contract.diagnosis import Evidence, Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.conditions.vanishing_gradients.consequence import chance_of_failure
from workers.diagnosis.confidence import joint
from workers.diagnosis.wording import metric_words, power


def examine(case: Case) -> Iterator[Finding]:
    """A note if it learned, or if it was not to be trained and the gradient reaches its first layer."""
    if case.learning.learned:
        yield _finding(case, case.learning.probability, _learned_words(case))
    elif case.learning.judgement == "not_trained" and _sound_at_initialisation(case):
        probability = 1 - chance_of_failure(case, abs(_attenuation(case)))
        yield _finding(case, probability, "Whether it learns is not known: it was not trained.")


def _attenuation(case: Case) -> float:
    return case.depth.initial.attenuation if case.depth is not None else math.nan


def _sound_at_initialisation(case: Case) -> bool:
    return (
        case.depth is not None
        and not case.depth.initial.blocked
        and abs(_attenuation(case)) < ATTENUATION.value
    )


def _learned_words(case: Case) -> str:
    return (
        f"It learned ({metric_words(case.trace.evaluation)})."
        if case.trace.evaluation
        else "Its loss fell clearly."
    )


def _finding(case: Case, probability: float, outcome: str) -> Finding:
    return Finding(
        condition=INFO.name,
        severity="note",
        confidence=joint(probability),
        summary=f"{_gradient_words(case)} {outcome}".strip(),
        explanation=_explanation(case),
        evidence=_evidence(case),
        sources=list(INFO.sources),
    )


def _explanation(case: Case) -> str:
    if case.depth is None:
        return "The network has too few trained layers in a row for its gradient to be lost with depth."
    if not _sound_at_initialisation(case):
        return "Its gradient does not keep its size on the way back, but it learned in spite of that."
    return (
        "The gradient keeps its size on its way back through the layers well enough for all of them to learn."
    )


def _gradient_words(case: Case) -> str:
    if not _sound_at_initialisation(case):
        return ""
    return f"The gradient at the first layer is {power(_attenuation(case))} times as large as at the last."


def _evidence(case: Case) -> list[Evidence]:
    found = case.metric_evidence()
    if case.depth is not None:
        found.append(
            evidence("attenuation", _attenuation(case), -case.vanishing_limit, step=case.depth.initial.step)
        )
    found += [
        evidence("time_gain", gains.initial.total, layer=name, step=gains.initial.step)
        for name, gains in case.time.items()
    ]
    if case.learning.judgement != "not_trained":
        found.append(evidence("loss_ratio", case.learning.loss_ratio))
    return found


CONDITION = Condition(
    info=INFO, examine=examine, explained_by=frozenset(CONDITIONS) - {"healthy", "converged"}, reassures=True
)
