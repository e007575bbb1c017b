"""What a vanished gradient leads to, and how severe it is for that."""

from service.contract.conditions.not_learning import GOOD_SKILL
from service.contract.diagnosis import Severity
from workers.diagnosis.case import Case
from workers.diagnosis.confidence import failure_probability
from workers.diagnosis.findings import consequence
from workers.diagnosis.wording import metric_words


def severity_of(case: Case, untrained: Severity) -> Severity:
    """Severity of a gradient that has vanished: by what became of the training, else as for untrained
    ones."""
    if case.learning.learned is None:
        return untrained
    if case.learning.learned is False:
        return "critical"
    return "note" if case.learning.skill >= GOOD_SKILL.value else "warning"


def consequence_in_depth(case: Case, lost: float) -> float:
    """How sure what became of the training is; for an untrained network, its chance of failure."""
    return consequence(case, chance_of_failure(case, lost))


def chance_of_failure(case: Case, lost: float) -> float:
    """Probability that the network learns at no learning rate, as its beginning foretells; where that cannot
    be done (for recurrent networks), from the decades lost alone."""
    foretold = case.trainability.at_best_learning_rate
    return failure_probability(lost, case.adaptive) if foretold is None else foretold


def outcome_words(case: Case) -> str:
    """What became of the training, in a sentence."""
    evaluation, judgement = case.trace.evaluation, case.learning.judgement
    if judgement == "not_trained":
        return "It was not trained; that it would not learn is concluded from networks like it."
    if judgement == "too_early":
        return "The run was too short to show whether it learns in spite of this."
    words = f" ({metric_words(evaluation)})" if evaluation else ""
    if case.learning.learned:
        return f"It learned all the same{words}."
    return f"It did not learn{words}."
