"""Time that goes elsewhere than into learning."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

from service.contract.conditions.compute_bound import DATA_SHARE, DENORMALS, DURATION, INFO, UTILISATION
from service.contract.diagnosis import Evidence, Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_decades, beyond_share, joint
from workers.diagnosis.findings import finding
from workers.diagnosis.wording import number, percent
from workers.probes.trace import Cost


@dataclass(frozen=True)
class Sink:
    """Where the time goes."""

    words: str
    remedies: tuple[str, ...]
    evidence: Evidence
    probability: float


def examine(case: Case) -> Iterator[Finding]:
    """A note if a healthy network learns well and its time goes elsewhere."""
    cost = case.trace.cost
    if cost is None or case.harm != "none" or _fades_in_depth(case):
        return
    step = cost.data_seconds + cost.compute_seconds + cost.optimizer_seconds
    seconds = step * case.learning.steps
    sinks = [
        sink for sink in (_data(cost, step), _denormals(case, cost), _overhead(cost)) if sink is not None
    ]
    if not sinks or not seconds >= DURATION.value:
        return
    yield finding(
        INFO,
        "note",
        joint(max(sink.probability for sink in sinks)),
        summary=f"The network learns; its {case.learning.steps} steps took {number(seconds, 2)} s "
        f"because {sinks[0].words}.",
        explanation="Each step makes progress, so the "
        f"time goes elsewhere than into learning: {'; '.join(sink.words for sink in sinks)}.",
        evidence=[
            *(sink.evidence for sink in sinks),
            evidence("training_seconds", seconds, DURATION.value),
        ],
        remedies=list(dict.fromkeys(name for sink in sinks for name in sink.remedies)),
    )


def _fades_in_depth(case: Case) -> bool:
    """Then steps are many, too. That it fades through time says nothing here: a network that learned well
    did not need what the early time steps would have told it."""
    return case.depth is not None and case.depth.initial.surely_lost > case.vanishing_limit


def _data(cost: Cost, step: float) -> Sink | None:
    share = cost.data_seconds / step if step > 0 else 0.0
    if not share > DATA_SHARE.value:
        return None
    return Sink(
        f"{percent(share)} of the time is spent waiting for data",
        ("larger_batches",),
        evidence("data_time_share", share, DATA_SHARE.value),
        beyond_share(share, DATA_SHARE.value),
    )


def _denormals(case: Case, cost: Cost) -> Sink | None:
    if not cost.denormal_share > DENORMALS.value or case.trace.run.device != "cpu":
        return None
    return Sink(
        f"{percent(cost.denormal_share)} of the gradient are denormal numbers, on which a CPU is slow",
        ("flush_denormals",),
        evidence("denormal_share", cost.denormal_share, DENORMALS.value),
        beyond_share(cost.denormal_share, DENORMALS.value),
    )


def _overhead(cost: Cost) -> Sink | None:
    used = cost.achieved_flops / cost.peak_flops if cost.peak_flops > 0 else 1.0
    if not 0 < used < UTILISATION.value:
        return None
    return Sink(
        f"the arithmetic runs at {percent(used)} of what a matrix product reaches on this device, the "
        "rest "
        "is overhead of small operations",
        ("larger_batches",),
        evidence("compute_utilisation", used, UTILISATION.value),
        beyond_decades(math.log10(UTILISATION.value / used), 0.0, 0.0),
    )


CONDITION = Condition(info=INFO, examine=examine)
