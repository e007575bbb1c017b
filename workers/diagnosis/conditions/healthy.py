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

LIKELY = 0.5
"""Confidence from which an untrained network is called healthy: rather than not, it will learn."""
NOT_RULED_OUT = 0.1
"""The same for one that learned, which speaks for it: its failure was not foretold with certainty."""


def examine(case: Case) -> Iterator[Finding]:
    """A note if it learned, or if it was not to be trained and the gradient reaches its first layer; and,
    where it did not learn well, its beginning does not speak against it."""
    if case.learning.learned:
        probability, least, words = _learns(case), NOT_RULED_OUT, _learned_words(case)
    elif case.learning.judgement == "not_trained" and _sound_at_initialisation(case):
        probability, least = 1 - chance_of_failure(case, abs(_attenuation(case))), LIKELY
        words = "Whether it learns is not known: it was not trained."
    else:
        return
    if probability >= least:
        yield _finding(case, probability, words)


def _learns(case: Case) -> float:
    """Probability that the metric is truly beyond its limit; where it is not far beyond, also that networks
    that begin like it learn at all: a little better than chance is what failing ones reach, too."""
    foretold = case.trainability.probability if case.harm == "poor" else None
    return case.learning.probability * (1 - (foretold or 0.0))


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
