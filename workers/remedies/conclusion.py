"""What the trials show, and what is prescribed."""

from service.contract.diagnosis import Diagnosis, Finding
from service.contract.remedies import Change, Estimate, Measured, Prescription, Trial
from workers.diagnosis.wording import UNTRIED
from workers.remedies.estimates import difference
from workers.remedies.judgement import (
    chance_is_accuracy,
    compared,
    control,
    cures,
    kept,
    measured_of,
    reproduced,
    resolved,
    targets,
)
from workers.remedies.messages import Draft, FinishedTrial, TrialDone, TrialFailed

MOST_RUNNERS_UP = 5


def conclude(draft: Draft) -> Diagnosis:
    """The diagnosis with all trials, the prescription, and a sentence on what came of them."""
    trials = [_trial(draft, finished) for finished in compared(draft)]
    trials += [
        Trial(remedy=remedy, status=status, reason=reason) for remedy, status, reason in draft.not_tried
    ]
    found = cures(draft) if reproduced(draft) else []
    prescription = _prescription(draft, found) if found else None
    return draft.diagnosis.model_copy(
        update={
            "findings": [_with_trials(finding) for finding in draft.diagnosis.findings],
            "trials": trials,
            "prescription": prescription,
            "remedies_summary": prescription.why if prescription else _why_none(draft),
        }
    )


def _with_trials(finding: Finding) -> Finding:
    """By now something was tried."""
    return finding.model_copy(update={"explanation": finding.explanation.replace(UNTRIED, "")})


def _trial(draft: Draft, finished: FinishedTrial) -> Trial:
    order, result, before, after = finished.order, finished.result, control(draft), measured_of(finished)
    failed = result if isinstance(result, TrialFailed) else None
    is_control = finished is draft.finished[0]
    return Trial(
        remedy=order.remedy,
        variant=order.variant,
        also=list(order.also),
        status=("not_applicable" if failed.not_applicable else "failed") if failed else "done",
        reason=failed.reason if failed else None,
        change=_change(finished, after),
        before=before,
        after=None if is_control else after,
        resolved=None if is_control else resolved(draft, finished),
        learned=after.learned if after else None,
        improvement=None if is_control else _improvement(before, after),
        runs=list(result.runs),
    )


def _change(finished: FinishedTrial, measured: Measured | None) -> Change:
    """With the learning rate that was best, and the job's own seed."""
    request = finished.order.request
    rate = measured.learning_rate if measured else request.training.learning_rate
    training = request.training.model_copy(update={"learning_rate": rate})
    return Change(
        description=finished.order.description, model=request.model, data=request.data, training=training
    )


def _improvement(before: Measured | None, after: Measured | None) -> Estimate | None:
    if before is None or after is None:
        return None
    return difference(after.metric, before.metric, larger_is_better=chance_is_accuracy(after))


def _prescription(draft: Draft, found: list[FinishedTrial]) -> Prescription:
    chosen = found[0]
    return Prescription(
        remedies=[chosen.order.remedy, *chosen.order.also],
        variant=chosen.order.variant,
        change=_change(chosen, measured_of(chosen)),
        why=_why(draft, chosen, len(found)),
        files=_files(draft),
        runners_up=[trial.order.title for trial in found[1 : 1 + MOST_RUNNERS_UP]],
    )


def _files(draft: Draft) -> list[str]:
    made = kept(draft)
    return list(made.result.files) if made and isinstance(made.result, TrialDone) else []


def _why(draft: Draft, chosen: FinishedTrial, cures_found: int) -> str:
    before, after = control(draft), measured_of(chosen)
    assert before is not None
    assert after is not None
    ill = targets(draft)
    gone = f"{ill[0]} is gone, and " if ill else ""
    name = after.metric_name.replace("_", " ")
    reached, was, chance = map(_number, (after.metric.mean, before.metric.mean, after.chance))
    text = (
        f"With {chosen.order.title} (learning rate {after.learning_rate:g}) {gone}the network learns: "
        f"held-out {name} {reached} instead of {was} ({chance} by chance), over {len(after.metric.values)} "
        "seeds."
    )
    if before.attenuation.mean is not None and after.attenuation.mean is not None:
        text += (
            f" At its way's end the gradient is 10^{after.attenuation.mean:.1f} of what it was at the "
            f"beginning, before 10^{before.attenuation.mean:.1f}."
        )
    if cures_found > 1:
        text += f" Of the {cures_found} remedies that worked it changes least."
    return text


def _why_none(draft: Draft) -> str:
    failed = draft.finished[0].result
    if isinstance(failed, TrialFailed):
        return f"Inconclusive: the control could not be trained: {failed.reason}"
    if not reproduced(draft):
        return (
            f"Inconclusive: from other seeds the control does not show {targets(draft)[0]} again, so what a "
            "remedy does could not be told from chance. Nothing was tried."
        )
    tried = len(compared(draft)) - 1
    if not tried:
        return "No remedy could be tried: see the reasons in `trials`."
    return f"None of the {tried} trials was a cure: see `trials` for how far each came."


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
