"""From probed runs to what was measured of a way of training."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from service.contract.diagnosis import Diagnosis
from service.contract.remedies import Cost, Estimate, Measured, MetricName
from workers.remedies.estimates import estimate

if TYPE_CHECKING:
    from workers.remedies.trials.trial import ProbedRun


def summarize(runs: Sequence["ProbedRun"], learning_rate: float) -> Measured:
    """Over the seeds, at one learning rate."""
    diagnoses = [run.diagnosis for run in runs]
    outcomes = [diagnosis.outcome for diagnosis in diagnoses]
    name = outcomes[0].metric or "accuracy"
    samples = _samples(runs)
    return Measured(
        learning_rate=learning_rate,
        attenuation=estimate([attenuation(diagnosis) for diagnosis in diagnoses]),
        ledger=_mean_ledger(diagnoses),
        loss=estimate([outcome.loss_last for outcome in outcomes], least=0.0),
        metric_name=name,
        metric=metric_estimate([outcome.value for outcome in outcomes], name, samples),
        metric_samples=samples,
        chance=outcomes[0].chance,
        learned=_majority([outcome.learned for outcome in outcomes]),
        findings=_common(diagnoses),
        critical=_always_critical(diagnoses),
        cost=_cost(runs),
    )


def metric_estimate(values: Sequence[float | None], name: MetricName, samples: int | None) -> Estimate:
    """Of a held-out metric: an accuracy is a share of the samples, an error at least 0."""
    if name == "accuracy":
        return estimate(values, least=0.0, most=1.0, samples=samples)
    return estimate(values, least=0.0)


def _samples(runs: Sequence["ProbedRun"]) -> int | None:
    evaluation = runs[0].trace.evaluation
    return evaluation.samples if evaluation else None


def attenuation(diagnosis: Diagnosis) -> float | None:
    """Decades by which the gradient changes on its way, less than 0 where it shrinks: along time if there is
    a recurrent layer (the worst one), and along depth else."""
    through_time = [layer.time_gain for layer in diagnosis.layers if layer.time_gain is not None]
    if through_time:
        return min(through_time)
    return diagnosis.ledger.log10_total if diagnosis.ledger else None


def _mean_ledger(diagnoses: Sequence[Diagnosis]) -> dict[str, float]:
    ledgers = [diagnosis.ledger.by_cause for diagnosis in diagnoses if diagnosis.ledger]
    causes = ledgers[0] if ledgers else {}
    return {cause: float(np.mean([ledger[cause] for ledger in ledgers])) for cause in causes}


def _majority(answers: Sequence[bool | None]) -> bool | None:
    """What more than half of them say."""
    answer, count = Counter(answers).most_common(1)[0]
    return answer if 2 * count > len(answers) else None


def _common(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Conditions, more than notes, of more than half of the runs; those of most runs first."""
    found = Counter(
        condition
        for diagnosis in diagnoses
        for condition in dict.fromkeys(f.condition for f in diagnosis.findings if f.severity != "note")
    )
    return [condition for condition, count in found.most_common() if 2 * count > len(diagnoses)]


def _always_critical(diagnoses: Sequence[Diagnosis]) -> list[str]:
    """Conditions that are critical in each run."""
    first, *others = [
        list(dict.fromkeys(f.condition for f in diagnosis.findings if f.severity == "critical"))
        for diagnosis in diagnoses
    ]
    return [condition for condition in first if all(condition in found for found in others)]


def _cost(runs: Sequence["ProbedRun"]) -> Cost:
    costs = [run.trace.cost for run in runs if run.trace.cost is not None]
    seconds = [c.data_seconds + c.compute_seconds + c.optimizer_seconds for c in costs]
    flops = [c.flops_per_step for c in costs]
    return Cost(
        seconds_per_step=_median(seconds),
        parameters=runs[0].parameters,
        flops_per_step=_median(flops),
        extra_steps=runs[0].extra_steps,
    )


def _median(values: Sequence[float]) -> float | None:
    finite = [value for value in values if math.isfinite(value)]
    return float(np.median(finite)) if finite else None
