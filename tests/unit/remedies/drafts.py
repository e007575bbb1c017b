"""Drafts with trials that were never trained: what was measured is what a test says."""

from collections.abc import Sequence
from typing import Any

from service.contract.diagnosis import Diagnosis, Finding
from service.contract.job import JobRequest
from service.contract.remedies import Cost, Measured, MetricName, TrialRun, Tuned
from tests.support.requests import diagnosis as smallest_diagnosis
from tests.unit.remedies.catalog.requests import deep
from workers.diagnosis.wording import untried
from workers.remedies.catalog import candidates
from workers.remedies.estimates import estimate
from workers.remedies.messages import Draft, FinishedTrial, TrialDone, TrialFailed, TrialOrder
from workers.remedies.trials.search import around
from workers.remedies.trials.summary import metric_estimate

ILL = "vanishing_gradients"
RATE = 0.05
CHANCE = 0.1
SAMPLES = 500
Values = Sequence[float | None]


def request(**remedies: Any) -> JobRequest:
    """A multilayer perceptron of sigmoids that all remedies of the tests fit."""
    given = deep(steps=100, learning_rate=RATE)
    return JobRequest.model_validate(given.model_dump(by_alias=True) | {"remedies": remedies})


def finding(condition: str = ILL, severity: str = "critical", *remedies: str) -> Finding:
    """With the advice that findings end with."""
    return Finding.model_validate(
        {
            "condition": condition,
            "severity": severity,
            "confidence": 0.9,
            "summary": "A sentence.",
            "explanation": f"It is so. {untried(remedies)}".strip(),
            "evidence": [],
            "remedies": list(remedies),
        }
    )


def diagnosed(*findings: Finding) -> Diagnosis:
    return Diagnosis.model_validate(smallest_diagnosis()).model_copy(update={"findings": list(findings)})


ILLNESS = diagnosed(finding(ILL, "critical", "residual", "batch_norm"))
HEALTH = diagnosed()


def measured(
    metric: Values,
    *,
    name: MetricName = "accuracy",
    chance: float = CHANCE,
    learned: bool | None = True,
    findings: Sequence[str] = (),
    critical: Sequence[str] = (),
    rate: float = RATE,
    tuned: tuple[float, Values] | None = None,
    **cost: Any,
) -> Measured:
    best = Tuned(learning_rate=tuned[0], metric=metric_estimate(tuned[1], name, SAMPLES)) if tuned else None
    return Measured(
        learning_rate=rate,
        attenuation=estimate([-1.0, -1.1]),
        loss=estimate([1.0, 1.1]),
        metric_name=name,
        metric=metric_estimate(metric, name, SAMPLES),
        metric_samples=SAMPLES,
        chance=chance,
        learned=learned,
        findings=list(findings),
        critical=list(critical),
        cost=Cost(**{"seconds_per_step": 1e-3, "parameters": 1000, "flops_per_step": 1e6, **cost}),
        tuned=best,
    )


def order(remedy: str = "control", variant: str | None = None, **changes: Any) -> TrialOrder:
    """What a round orders for a remedy, or the control."""
    given = request()
    described, changed = "Nothing.", given
    if remedy != "control":
        (found,) = [c for c in candidates(remedy, given, ILLNESS) if variant in (None, c.variant)][:1]
        described, changed, variant = found.description, found.request, found.variant
    fields: dict[str, Any] = {
        "number": 0,
        "remedy": remedy,
        "variant": variant,
        "description": described,
        "request": changed,
        "seeds": (1, 2),
        "learning_rates": around(RATE, 3),
        "own_rate": remedy == "control",
    }
    return TrialOrder(**(fields | changes))


def done(
    ordered: TrialOrder, values: Values, *, ill_in: Sequence[int] | None = None, **given: Any
) -> FinishedTrial:
    """A trial that measured these values. `ill_in` are the places of the seeds that show the illness: by
    default all of the control's, and none with a remedy."""
    places = ill_in if ill_in is not None else (range(len(values)) if ordered.own_rate else ())
    shown = [[ILL] if place in places else [] for place in range(len(values))]
    if 2 * len(places) > len(values):
        given.setdefault("findings", [ILL])
        given.setdefault("critical", [ILL] if len(places) == len(values) else [])
    if ordered.own_rate:
        given.setdefault("learned", False)
    runs = [
        run(seed, given.get("rate", RATE), value, findings)
        for seed, value, findings in zip(ordered.seeds, values, shown, strict=False)
    ]
    searched = [run(ordered.search_seed, rate, 0.5, None) for rate in ordered.search_rates]
    result = TrialDone(measured=measured(values, **given), runs=(*searched, *runs))
    return FinishedTrial(order=ordered, result=result)


def run(seed: int, rate: float, metric: float | None, findings: list[str] | None) -> TrialRun:
    return TrialRun(seed=seed, learning_rate=rate, loss=1.0, metric=metric, findings=findings, seconds=1.0)


def failed(ordered: TrialOrder, reason: str = "it broke", **changes: Any) -> FinishedTrial:
    return FinishedTrial(order=ordered, result=TrialFailed(reason=reason, **changes))


SICK_CONTROL = done(order(), [0.09, 0.10])
WELL_CONTROL = done(order(), [0.950, 0.952], ill_in=(), learned=True)


def ill(*trials: FinishedTrial, control: FinishedTrial = SICK_CONTROL) -> Draft:
    """An ill job after these trials."""
    return Draft(diagnosis=ILLNESS, finished=(control, *trials))


def healthy(*trials: FinishedTrial, control: FinishedTrial = WELL_CONTROL) -> Draft:
    """A healthy job, for which remedies were asked for."""
    return Draft(diagnosis=HEALTH, finished=(control, *trials))
