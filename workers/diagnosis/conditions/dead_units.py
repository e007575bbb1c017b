"""ReLU layers through which nothing passes."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.contract.conditions.dead_units import DEAD_UNITS, INFO
from service.contract.diagnosis import Finding, Severity
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, foretold_failure, outcome_words
from workers.diagnosis.wording import listed, percent

RECTIFIERS = frozenset({"relu"})
"""Activation functions whose derivative is zero wherever their value is."""

_REMEDIES = ("leaky_relu", "initialization", "learning_rate")


@dataclass(frozen=True)
class DeadLayer:
    """A layer of which nearly all units are zero for every sample."""

    name: str
    share: float
    blocks: bool
    """Whether nothing at all passes it, and every path goes through it."""
    from_the_start: bool
    """Whether it was so before the first step."""


def dead_layers(case: Case) -> list[DeadLayer]:
    """By the last measurement: a branch that was initialised with zeros has opened by then."""
    return [
        DeadLayer(
            name=layer.name,
            share=float(shares[-1]),
            blocks=layer.on_spine and bool(shares[-1] >= 1.0),
            from_the_start=bool(shares[0] >= DEAD_UNITS.value),
        )
        for i, layer in enumerate(case.trace.layers)
        if layer.function in RECTIFIERS
        and (shares := case.of_layer("activation.dead_units", i)).size
        and shares[-1] >= DEAD_UNITS.value
    ]


def examine(case: Case) -> Iterator[Finding]:
    """A finding for all such layers together."""
    dead = dead_layers(case)
    if (
        not case.gradient_passes
    ):  # what is lost elsewhere from the first step on does not come of later deaths
        dead = [layer for layer in dead if layer.blocks and layer.from_the_start]
    if not dead:
        return
    worst = max(dead, key=lambda layer: (layer.blocks, layer.share))
    yield finding(
        INFO,
        _severity(case, worst),
        confidence(
            case,
            beyond_share(worst.share, DEAD_UNITS.value),
            unknown=1.0 if worst.blocks else foretold_failure(case),
        ),
        layers=[layer.name for layer in dead],
        summary=f"{percent(worst.share)} of the units of {listed([worst.name])} are zero for every sample: "
        f"{'nothing passes it' if worst.blocks else 'hardly anything passes it'}, forward or back.",
        explanation="A ReLU unit whose input is negative for all samples has the value 0 and the derivative "
        "0: it tells the layers above nothing, and gives those below no gradient, so it can never recover. "
        f"{_onset(dead)}{outcome_words(case)}",
        evidence=[
            *(evidence("dead_units", layer.share, DEAD_UNITS.value, layer=layer.name) for layer in dead[:3]),
            *case.metric_evidence(),
        ],
        remedies=_REMEDIES,
    )


def _severity(case: Case, worst: DeadLayer) -> Severity:
    if case.harm == "unknown" and worst.blocks:
        return "critical"
    return BY_HARM[case.harm]


def _onset(dead: list[DeadLayer]) -> str:
    if all(layer.from_the_start for layer in dead):
        return "They were dead before the first step. "
    return "They died during training. "


def _died_in_training(case: Case) -> bool:
    return not any(layer.from_the_start for layer in dead_layers(case))


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="units die",
    explained_by=frozenset(
        {
            "uninformative_data",
            "unscaled_inputs",
            "learning_rate_too_large",
            "exploding_gradients",
            "non_finite",
        }
    ),
    explained_here=lambda case: frozenset({"unstable_training"} if _died_in_training(case) else ()),
)
