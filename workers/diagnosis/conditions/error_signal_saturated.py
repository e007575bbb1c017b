"""An error that does not enter the network."""

import math
from collections.abc import Iterator

import numpy as np

from service.contract.conditions.error_signal_saturated import ERROR_LEVEL, INFO, REACHING
from service.contract.diagnosis import Finding
from workers.diagnosis.arithmetic import median
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.wording import percent

OUTPUT_FUNCTIONS = frozenset({"activation", "softmax"})
"""Operations after the last weights that belong to the output rather than to the network."""


def examine(case: Case) -> Iterator[Finding]:
    """A finding while the outputs are wrong and the error is not felt."""
    level = case.examined_last("error_level")
    reaching = case.examined_last("error_reaching_output") * output_gain(case)
    if case.harm == "none" or not (0 <= reaching < REACHING.value and level > ERROR_LEVEL.value):
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


def output_gain(case: Case) -> float:
    """What the functions after the last weights (a softmax in the network, say) let through of the gradient:
    median over the measured steps; 1 where there are none or that was not measured."""
    spine = [i for i, layer in enumerate(case.trace.layers) if layer.on_spine]
    weights = [i for i in spine if case.trace.layers[i].parameters > 0]
    after = [case.trace.layers[i].op for i in spine if weights and i > weights[-1]]
    norms = case.values("backpropagated.norm")
    if not after or not set(after) <= OUTPUT_FUNCTIONS or not norms.size:
        return 1.0
    outer = norms[:, spine[-1]]
    gain = median(np.divide(norms[:, weights[-1]], outer, out=np.full(len(outer), np.nan), where=outer > 0))
    return gain if math.isfinite(gain) else 1.0


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
