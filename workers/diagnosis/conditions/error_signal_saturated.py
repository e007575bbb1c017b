"""An error that does not enter the network."""

import math
from collections.abc import Iterator

from service.contract.conditions.error_signal_saturated import ERROR_LEVEL, INFO, REACHING
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.wording import percent


def examine(case: Case) -> Iterator[Finding]:
    """A finding while the outputs are wrong and the error is not felt."""
    reaching, level = case.examined_last("error_reaching_output"), case.examined_last("error_level")
    if case.learning.learned or not (0 <= reaching < REACHING.value and level > ERROR_LEVEL.value):
        return
    margin = -math.log10(max(reaching, 1e-30) / REACHING.value)
    yield finding(
        INFO,
        BY_HARM[case.harm],
        confidence(case, beyond_decades(margin, 0.0, 0.0), beyond_share(level, ERROR_LEVEL.value)),
        summary=f"Only {percent(reaching)} of the error enters the network at its output: the output "
        "function is saturated.",
        explanation=f"The outputs are {percent(level)} as wrong as a uniform guess, but the output "
        "function is "
        "so sure of them that its derivative is nearly zero, and with squared error that derivative "
        "multiplies "
        f"the error. The layers below get next to nothing, whatever their gains. {outcome_words(case)}",
        evidence=[
            evidence("error_reaching_output", reaching, REACHING.value),
            evidence("error_level", level, ERROR_LEVEL.value),
            *case.metric_evidence(),
        ],
        remedies=("cross_entropy", "initialization"),
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the error no longer enters the network at its output",
    explained_by=frozenset(
        {
            "exploding_gradients",
            "learning_rate_too_large",
            "non_finite",
            "uninformative_data",
            "unscaled_inputs",
        }
    ),
)
