"""Weights that gather around zero during training."""

import math
from collections.abc import Iterator

from service.contract.conditions.weights_near_zero import DECAY, INFO, NEAR_ZERO, NEAR_ZERO_GROWTH
from service.contract.diagnosis import Finding, Severity
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.onset import decay, decay_shrinks
from workers.diagnosis.wording import listed, percent, power


def examine(case: Case) -> Iterator[Finding]:
    """A finding only with a consequence; a grave one only where weight decay is enough to do this."""
    if case.harm not in {"failed", "poor"}:
        return
    shrunk = {
        layer.name: (float(shares[0]), float(shares[-1]))
        for i, layer in enumerate(case.trace.layers)
        if (shares := case.of_layer("weight.near_zero", i)).size
        and shares[-1] >= NEAR_ZERO.value
        and shares[-1] - shares[0] >= NEAR_ZERO_GROWTH.value
    }
    if not shrunk:
        return
    worst = max(shrunk, key=lambda name: shrunk[name][1])
    first, last = shrunk[worst]
    yield finding(
        INFO,
        _severity(case),
        confidence(
            case, beyond_share(last, NEAR_ZERO.value), beyond_share(last - first, NEAR_ZERO_GROWTH.value)
        ),
        layers=list(shrunk),
        summary=f"The weights of {listed([worst])} shrink: {percent(last)} of them are near zero, "
        f"{percent(first)} were at the start.",
        explanation="Near zero means: smaller than a tenth of the layer's standard deviation at "
        "initialisation; 8 % of normally distributed weights are. A layer whose weights shrink passes on "
        "less "
        f"and less. {_about_decay(case)}{outcome_words(case)}",
        evidence=[
            evidence("near_zero_weights", last, NEAR_ZERO.value, layer=worst),
            evidence("near_zero_growth", last - first, NEAR_ZERO_GROWTH.value, layer=worst),
            evidence("decay", decay(case), DECAY.value),
            *case.metric_evidence(),
        ],
        remedies=("learning_rate", "initialization"),
    )


def _severity(case: Case) -> Severity:
    if decay_shrinks(case):
        return BY_HARM[case.harm]
    return "warning" if case.harm == "failed" else "note"


def _about_decay(case: Case) -> str:
    if not decay_shrinks(case):
        return ""
    return (
        f"Weight decay of {case.trace.run.weight_decay:g} alone would shrink them by a factor of "
        f"{power(decay(case) / math.log(10))} in this time, unless the gradient held against it. "
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the weights shrink towards zero",
    explained_by=frozenset(
        {
            "dead_units",
            "learning_rate_too_large",
            "non_finite",
            "uninformative_data",
        }
    ),
    explained_here=lambda case: frozenset(
        () if decay_shrinks(case) else {"forward_collapse", "vanishing_gradients"}
    ),
)
