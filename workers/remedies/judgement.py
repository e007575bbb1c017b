"""What a trial shows, beside the control."""

import math
from collections.abc import Sequence

from service.contract.remedies import Cost, Estimate, ImprovementUnit, Measured
from workers.remedies.catalog import invasiveness
from workers.remedies.estimates import difference, explained
from workers.remedies.messages import Draft, FinishedTrial, TrialDone

NEARLY_AS_GOOD = 0.8
"""Of the way from chance to the best trial's metric: less is not a cure while there is a better one."""
SAME_COST = 1.1
"""Ways of training whose costs differ by less count as equally dear."""
ROUNDED = 1e-5
"""Diagnoses round what they tell: metrics that differ by less are the same."""
CLEARLY_SLOWER = 1.5
"""Seconds depend on what else the machine does: a ratio below this says nothing."""


def compared(draft: Draft) -> list[FinishedTrial]:
    """The trials, the control first; without the run that only made the prescribed network to keep."""
    return [trial for trial in draft.finished if not trial.order.keep]


def kept(draft: Draft) -> FinishedTrial | None:
    """The run that made the network to keep; None as long as there is none."""
    return next((trial for trial in draft.finished if trial.order.keep), None)


def targets(draft: Draft) -> list[str]:
    """The conditions that remedies are tried for: all that are more than a note and that one is known for."""
    found = [f for f in draft.diagnosis.findings if f.severity != "note" and f.remedies]
    return list(dict.fromkeys(finding.condition for finding in found))


def control(draft: Draft) -> Measured | None:
    """What was measured of the network as it is; None before, or if that failed."""
    result = draft.finished[0].result if draft.finished else None
    return result.measured if isinstance(result, TrialDone) else None


def reproduced(draft: Draft) -> bool:
    """Whether the control shows the job's first illness again, from other seeds. Of a healthy network, for
    which a list of remedies was asked for, there is nothing to reproduce: a control that ran will do."""
    measured, wanted = control(draft), targets(draft)
    if measured is None:
        return False
    return not wanted or wanted[0] in measured.findings


def well(draft: Draft) -> bool:
    """Whether there is nothing to cure: no illness, and the control learns."""
    measured = control(draft)
    return measured is not None and measured.learned is True and not targets(draft)


def measured_of(trial: FinishedTrial) -> Measured | None:
    """What a trial measured; None if it failed."""
    return trial.result.measured if isinstance(trial.result, TrialDone) else None


def resolved(draft: Draft, trial: FinishedTrial) -> bool | None:
    """Whether the first illness is gone for every seed; None where there was none, or the trial failed."""
    wanted = targets(draft)
    if not wanted or not isinstance(trial.result, TrialDone):
        return None
    probed = [run.findings for run in trial.result.runs if run.findings is not None]
    return all(wanted[0] not in findings for findings in probed)


def improvement(draft: Draft, trial: FinishedTrial) -> Estimate | None:
    """By how much a trial is better than the control, tuned if that is better; None if one is not known."""
    measured, before = measured_of(trial), control(draft)
    if measured is None or before is None:
        return None
    reached = merit(measured, measured.metric)
    start = merit(before, best_without(before))
    if reached is None or start is None:
        return None
    return difference(reached, start, larger_is_better=True, samples=_shares(measured))


def improvement_unit(measured: Measured) -> ImprovementUnit:
    """What improvements are differences of."""
    return "accuracy" if is_accuracy(measured) else "explained_variance"


def merit(measured: Measured, metric: Estimate) -> Estimate | None:
    """A metric so that more is better and the scale of the targets does not matter: an accuracy as it is, of
    an error the share of the variance that is explained. None without a chance to hold an error against."""
    if is_accuracy(measured):
        return metric
    return explained(metric, measured.chance) if measured.chance and measured.chance > 0.0 else None


def best_without(before: Measured) -> Estimate:
    """The control's metric: at its own learning rate or tuned, whichever is better."""
    if before.tuned is None or before.tuned.metric.mean is None:
        return before.metric
    if before.metric.mean is None:
        return before.tuned.metric
    own, tuned = before.metric.mean, before.tuned.metric.mean
    if math.isclose(own, tuned, rel_tol=ROUNDED):
        return before.metric
    return before.tuned.metric if (tuned > own) == is_accuracy(before) else before.metric


def better_tuned(draft: Draft) -> float | None:
    """The learning rate at which the control is better, beyond the uncertainty, than at the job's own; None
    if there is none."""
    before = control(draft)
    if before is None or before.tuned is None:
        return None
    start, reached = merit(before, before.metric), merit(before, before.tuned.metric)
    if start is None or reached is None:
        return None
    gain = difference(reached, start, larger_is_better=True, samples=_shares(before))
    return before.tuned.learning_rate if gain and gain.low is not None and gain.low > 0.0 else None


def _shares(measured: Measured) -> int | None:
    """The number of samples that the metric is a share of; None where it is no share."""
    return measured.metric_samples if is_accuracy(measured) else None


def worked(draft: Draft, trial: FinishedTrial) -> bool:
    """Whether it is a cure: the illness is gone, the network learns, and clearly no worse than before. Where
    there is nothing to cure, it must be better beyond the uncertainty: one of several always looks better."""
    measured = measured_of(trial)
    if trial is draft.finished[0] or measured is None or measured.learned is not True:
        return False
    gain = improvement(draft, trial)
    if well(draft):
        return gain is not None and gain.low is not None and gain.low > 0.0
    if targets(draft) and resolved(draft, trial) is not True:
        return False
    return gain is None or gain.high is None or gain.high >= 0.0


def skill(measured: Measured) -> float:
    """How far the metric is above the best constant prediction: of an accuracy (value − chance) /
    (1 − chance), of an error 1 − value / chance; −1 if it is not known."""
    value, chance = measured.metric.mean, measured.chance
    if value is None or chance is None or chance <= 0.0:
        return -1.0
    return (value - chance) / (1.0 - chance) if is_accuracy(measured) else 1.0 - value / chance


def is_accuracy(measured: Measured) -> bool:
    """Whether the metric is an accuracy, of which more is better."""
    return measured.metric_name == "accuracy"


def cures(draft: Draft) -> list[FinishedTrial]:
    """The trials that worked, the one to prescribe first: those with no critical finding left before those
    with one; of these, what is nearly as good as the best, the least invasive first, then the cheapest, then
    the better one."""
    found = [trial for trial in compared(draft) if worked(draft, trial)]
    clean = [trial for trial in found if not critical(trial)]
    return [*_ranked(draft, clean), *_ranked(draft, [trial for trial in found if critical(trial)])]


def critical(trial: FinishedTrial) -> list[str]:
    """What is critical for every seed with the remedy."""
    measured = measured_of(trial)
    return measured.critical if measured else []


def _ranked(draft: Draft, found: Sequence[FinishedTrial]) -> list[FinishedTrial]:
    best = max((_skill_of(trial) for trial in found), default=0.0)
    good = [trial for trial in found if _skill_of(trial) >= NEARLY_AS_GOOD * best]
    others = sorted((trial for trial in found if trial not in good), key=_skill_of, reverse=True)
    return [*sorted(good, key=lambda trial: _burden(draft, trial)), *others]


def ranked_by_progress(draft: Draft) -> Sequence[FinishedTrial]:
    """The trials that did something, those that came farthest first."""
    trials = [trial for trial in compared(draft)[1:] if measured_of(trial) is not None]
    return sorted(trials, key=lambda trial: (resolved(draft, trial) is True, _skill_of(trial)), reverse=True)


def _skill_of(trial: FinishedTrial) -> float:
    measured = measured_of(trial)
    return -1.0 if measured is None else skill(measured)


def _burden(draft: Draft, trial: FinishedTrial) -> tuple[int, int, int, float]:
    """How much the remedy changes, what it costs to train and to hold beside the control, in steps of a
    tenth, and how little it reaches. The same trials on another day weigh the same."""
    measured, before = measured_of(trial), control(draft)
    assert measured is not None, "a cure was measured"
    assert before is not None, "without a control there is no cure"
    changes = sum(invasiveness(name) for name in trial.order.remedies)
    training = _training_cost(measured.cost, before.cost, trial.order.request.training.steps)
    size = measured.cost.parameters / max(before.cost.parameters, 1)
    return changes, _tenths(training), _tenths(size), -_skill_of(trial)


def _training_cost(after: Cost, before: Cost, steps: int) -> float:
    """Of a whole training, relative to the control's: in operations, which are the same each time, or where
    those are not known in seconds, if they differ clearly."""
    longer = (steps + after.extra_steps) / steps
    if after.flops_per_step and before.flops_per_step:
        return longer * after.flops_per_step / before.flops_per_step
    if after.seconds_per_step and before.seconds_per_step:
        ratio = after.seconds_per_step / before.seconds_per_step
        return longer * ratio if ratio > CLEARLY_SLOWER else longer
    return longer


def _tenths(ratio: float) -> int:
    """In which step of about a tenth a ratio is; 0 about 1."""
    return round(math.log(ratio) / math.log(SAME_COST)) if ratio > 0.0 else 0
