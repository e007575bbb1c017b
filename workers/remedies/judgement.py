"""What a trial shows, beside the control."""

from collections.abc import Sequence

from service.contract.remedies import Measured
from workers.remedies.catalog import invasiveness
from workers.remedies.messages import Draft, FinishedTrial, TrialDone

NEARLY_AS_GOOD = 0.8
"""Of the way from chance to the best trial's metric: less is not a cure while there is a better one."""


def compared(draft: Draft) -> list[FinishedTrial]:
    """The trials, the control first; without the run that only made the prescribed network to keep."""
    return [trial for trial in draft.finished if not trial.order.keep]


def kept(draft: Draft) -> FinishedTrial | None:
    """The run that made the network to keep; None as long as there is none."""
    return next((trial for trial in draft.finished if trial.order.keep), None)


def targets(draft: Draft) -> list[str]:
    """The conditions that remedies are tried for: all that are more than a note."""
    return list(dict.fromkeys(f.condition for f in draft.diagnosis.findings if f.severity != "note"))


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


def worked(draft: Draft, trial: FinishedTrial) -> bool:
    """Whether it is a cure: the illness is gone, the network learns, and no worse than it did before."""
    measured, before = measured_of(trial), control(draft)
    if trial is draft.finished[0] or measured is None or before is None or measured.learned is not True:
        return False
    if targets(draft) and resolved(draft, trial) is not True:
        return False
    return skill(measured) >= skill(before)


def skill(measured: Measured) -> float:
    """How far the metric is above the best constant prediction: of an accuracy (value − chance) /
    (1 − chance), of an error 1 − value / chance; −1 if it is not known."""
    value, chance = measured.metric.mean, measured.chance
    if value is None or chance is None or chance <= 0.0:
        return -1.0
    return (value - chance) / (1.0 - chance) if chance_is_accuracy(measured) else 1.0 - value / chance


def chance_is_accuracy(measured: Measured) -> bool:
    """Whether the metric is an accuracy, of which more is better."""
    return measured.metric_name == "accuracy"


def cures(draft: Draft) -> list[FinishedTrial]:
    """The trials that worked, the one to prescribe first: of those that are nearly as good as the best, the
    least invasive; then the cheapest; then the better one."""
    found = [trial for trial in compared(draft) if worked(draft, trial)]
    best = max((_skill_of(trial) for trial in found), default=0.0)
    good = [trial for trial in found if _skill_of(trial) >= NEARLY_AS_GOOD * best]
    others = sorted((trial for trial in found if trial not in good), key=_skill_of, reverse=True)
    return [*sorted(good, key=_burden), *others]


def ranked_by_progress(draft: Draft) -> Sequence[FinishedTrial]:
    """The trials that did something, those that came farthest first."""
    trials = [trial for trial in compared(draft)[1:] if measured_of(trial) is not None]
    return sorted(trials, key=lambda trial: (resolved(draft, trial) is True, _skill_of(trial)), reverse=True)


def _skill_of(trial: FinishedTrial) -> float:
    measured = measured_of(trial)
    return -1.0 if measured is None else skill(measured)


def _burden(trial: FinishedTrial) -> tuple[int, float, float]:
    """How much the remedy changes, what it costs, and how little it reaches."""
    measured = measured_of(trial)
    changes = sum(invasiveness(name) for name in (trial.order.remedy, *trial.order.also))
    seconds = measured.cost.seconds_per_step if measured else None
    return changes, round(seconds or 0.0, 4), -_skill_of(trial)
