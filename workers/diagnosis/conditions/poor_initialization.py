"""Weights that start where learning cannot."""

import math
from collections.abc import Iterator

import numpy as np

from service.contract.conditions.poor_initialization import FORWARD_RANGE, INFO, WEIGHT_SPREAD
from service.contract.diagnosis import Finding
from workers.diagnosis.arithmetic import log10
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.wording import listed, power

WEIGHT_OPS = frozenset({"linear", "conv1d", "conv2d", "attention", "recurrent"})
"""Operations whose weights must differ; a normalisation's are rightly all 1."""

_REMEDIES = ("initialization", "batch_norm")


def examine(case: Case) -> Iterator[Finding]:
    """Equal weights, or a signal that shrinks or grows from layer to layer, with a consequence."""
    if case.harm == "none":
        return
    equal = _equal_layers(case)
    if equal:
        yield _equal_weights(case, equal)
    elif case.harm != "unknown" and _forward_range(case) > FORWARD_RANGE.value:
        yield _scale(case, _forward_range(case))


def _hidden(case: Case) -> list[int]:
    """Weight layers on the spine but the last, which may start at zero."""
    return [
        i
        for i, layer in enumerate(case.trace.layers)
        if layer.on_spine and layer.op in WEIGHT_OPS and layer.parameters > 0
    ][:-1]


def _equal_layers(case: Case) -> list[str]:
    deviations, norms = case.values("weight.std")[:1], case.values("weight.mean")[:1]
    if not deviations.size or deviations.shape != norms.shape:
        return []
    return [
        case.trace.layers[i].name
        for i in _hidden(case)
        if deviations[0, i] <= WEIGHT_SPREAD.value * math.hypot(deviations[0, i], norms[0, i])
    ]


def _forward_range(case: Case) -> float:
    """Largest minus smallest log10 of the weight layers' outputs per entry, at the first measurement."""
    rows = case.values("activation.norm")[:1]
    if not rows.size:
        return math.nan
    sizes = np.array([max(1, math.prod(layer.output_shape)) for layer in case.trace.layers])
    logs = log10(rows[0] / np.sqrt(sizes))[_hidden(case)]
    return float(logs.max() - logs.min()) if logs.size > 1 and np.isfinite(logs).all() else math.nan


def _equal_weights(case: Case, layers: list[str]) -> Finding:
    return finding(
        INFO,
        BY_HARM[case.harm],
        confidence(case),
        layers=layers,
        summary=f"All weights of {listed(layers)} are equal at the start, so all its units are copies.",
        explanation="Units with equal weights give equal answers and get equal gradients, so they stay "
        "equal: "
        f"the layer works like one unit. Random weights break this symmetry. {outcome_words(case)}",
        evidence=[
            *(evidence("weight_spread", 0.0, WEIGHT_SPREAD.value, layer=name, step=0) for name in layers[:3]),
            *case.metric_evidence(),
        ],
        remedies=_REMEDIES,
    )


def _scale(case: Case, decades: float) -> Finding:
    return finding(
        INFO,
        BY_HARM[case.harm],
        confidence(case, beyond_decades(decades, FORWARD_RANGE.value, 0.0)),
        summary=f"Before training, the signal's size changes by a factor of {power(decades)} from layer to "
        "layer.",
        explanation="Each layer multiplies the size of what it gets, and the factors multiply: the weights' "
        f"scale does not fit the activation. {outcome_words(case)}",
        evidence=[evidence("forward_range", decades, FORWARD_RANGE.value, step=0), *case.metric_evidence()],
        remedies=_REMEDIES,
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    explained_by=frozenset(
        {
            "dead_units",
            "exploding_gradients",
            "learning_rate_too_large",
            "uninformative_data",
            "unscaled_inputs",
            "vanishing_gradients",
        }
    ),
)
