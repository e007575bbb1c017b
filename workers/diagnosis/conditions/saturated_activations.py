"""Bounded activations at the flat ends of their curves."""

from collections.abc import Iterator

from service.contract.conditions.saturated_activations import INFO, SATURATION
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, foretold_failure, outcome_words
from workers.diagnosis.onset import BOUNDED, saturated_at_first
from workers.diagnosis.wording import listed, percent

_REMEDIES = ("initialization", "standardise_inputs", "batch_norm")


def examine(case: Case) -> Iterator[Finding]:
    """A finding for all saturated layers together, by the last measurement."""
    saturated = {
        layer.name: float(values[-1])
        for i, layer in enumerate(case.trace.layers)
        if layer.function in BOUNDED
        and (values := case.of_layer("activation.saturation", i)).size
        and values[-1] >= SATURATION.value
    }
    if not saturated:
        return
    worst = max(saturated, key=lambda name: saturated[name])
    left = 1 - saturated[worst]
    yield finding(
        INFO,
        BY_HARM[case.harm],
        confidence(case, beyond_share(saturated[worst], SATURATION.value), unknown=foretold_failure(case)),
        layers=list(saturated),
        summary=f"The activations of {listed([worst])} are saturated: {percent(left)} of their largest "
        "possible derivative is left.",
        explanation="Their inputs are so large that they sit at the flat ends of the curve, where a change "
        "of "
        f"the input changes nothing. A gradient that passes {listed(list(saturated))} is multiplied by what "
        f"is left of the derivative. {outcome_words(case)}",
        evidence=[
            *(
                evidence("saturation", saturated[name], SATURATION.value, layer=name)
                for name in [*saturated][:3]
            ),
            *case.metric_evidence(),
        ],
        remedies=_REMEDIES,
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="activations saturate",
    explained_by=frozenset(
        {
            "exploding_gradients",
            "learning_rate_too_large",
            "non_finite",
            "uninformative_data",
            "unscaled_inputs",
            "vanishing_gradients",
        }
    ),
    explained_here=lambda case: frozenset(() if saturated_at_first(case) else {"unstable_training"}),
)
