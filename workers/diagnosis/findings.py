"""Findings as most conditions make them: by what became of the training."""

from collections.abc import Mapping, Sequence

from service.contract.conditions import ConditionInfo
from service.contract.diagnosis import Evidence, Finding, Severity
from workers.diagnosis.case import Case, Harm
from workers.diagnosis.confidence import joint
from workers.diagnosis.wording import metric_words, untried

UNKNOWN = 0.5
"""Probability of a consequence that is not known and cannot be foretold."""

BY_HARM: Mapping[Harm, Severity] = {
    "failed": "critical",
    "poor": "warning",
    "unknown": "warning",
    "none": "note",
}
"""How severe a symptom is for what became of the training."""


def finding(
    info: ConditionInfo,
    severity: Severity,
    confidence: float,
    *,
    summary: str,
    explanation: str,
    evidence: Sequence[Evidence],
    layers: Sequence[str] = (),
    remedies: Sequence[str] = (),
) -> Finding:
    """A finding with the condition's sources; suggestions are added to the explanation."""
    return Finding(
        condition=info.name,
        severity=severity,
        confidence=confidence,
        layers=list(layers),
        summary=summary,
        explanation=f"{explanation} {untried(remedies)}".strip(),
        evidence=list(evidence),
        remedies=list(remedies),
        sources=list(info.sources),
    )


def confidence(case: Case, *symptoms: float, unknown: float = UNKNOWN) -> float:
    """That the symptoms are there and the network did become what it is said to have become. `unknown` stands
    for the latter where it is not known: the failure foretold, for symptoms that the prediction sees."""
    return joint(*symptoms, consequence(case, unknown))


def foretold_failure(case: Case, *, as_planned: bool = False) -> float:
    """Probability that the network learns at no learning rate, or not at the planned one, as its beginning
    foretells; UNKNOWN where it cannot."""
    trainability = case.trainability
    foretold = trainability.probability if as_planned else trainability.at_best_learning_rate
    return UNKNOWN if foretold is None else foretold


def consequence(case: Case, unknown: float = UNKNOWN) -> float:
    """Probability of what became of the training, or `unknown` where nobody knows."""
    if case.learning.judgement == "diverged":
        return 1.0
    if case.learning.learned is None:
        return unknown
    return max(case.learning.probability, 1 - case.learning.probability)


def outcome_words(case: Case) -> str:
    """What became of the training, in a sentence."""
    evaluation = case.trace.evaluation
    words = f" ({metric_words(evaluation)})" if evaluation else ""
    match case.harm:
        case "failed":
            return f"The network did not learn{words}."
        case "poor":
            return f"The network learned poorly{words}."
        case "none":
            return f"The network learned all the same{words}."
        case "unknown":
            return "Whether training suffers from it is not known yet."
