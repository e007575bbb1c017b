"""What the trials show, and what is prescribed."""

from service.contract.diagnosis import Diagnosis, Finding
from service.contract.remedies import (
    Change,
    KeptNetwork,
    Measured,
    Prescription,
    RemediesOutcome,
    Trial,
)
from service.store.artifacts import NETWORK_FILES
from workers.diagnosis.wording import UNTRIED, counted, untried
from workers.remedies.judgement import (
    best_without,
    compared,
    control,
    cures,
    improvement,
    improvement_unit,
    kept,
    measured_of,
    reproduced,
    resolved,
    targets,
    well,
)
from workers.remedies.messages import Draft, FinishedTrial, NotTried, TrialDone, TrialFailed, TrialOrder

MOST_RUNNERS_UP = 5


def conclude(draft: Draft) -> Diagnosis:
    """The diagnosis with all trials, the prescription, and a sentence on what came of them."""
    prescription = _prescription(draft)
    if prescription:
        return _told(draft, prescription, "cured", prescription.why)
    return _told(draft, None, *_without_prescription(draft))


def so_far(draft: Draft) -> Diagnosis:
    """The diagnosis while a round of trials is being made, with those of the rounds before. It stays as it is
    if the job ends before they all were."""
    prescription = _prescription(draft)
    return _told(draft, prescription, "unfinished", _how_far(draft, prescription))


def _told(
    draft: Draft, prescription: Prescription | None, outcome: RemediesOutcome, summary: str
) -> Diagnosis:
    trials = [_trial(draft, finished) for finished in compared(draft)]
    trials += [_left_out(each) for each in draft.not_tried]
    return draft.diagnosis.model_copy(
        update={
            "findings": [_with_result(finding, draft, prescription) for finding in draft.diagnosis.findings],
            "trials": trials,
            "prescription": prescription,
            "remedies_outcome": outcome,
            "remedies_summary": summary,
        }
    )


def unaffordable(draft: Draft, order: TrialOrder) -> Diagnosis:
    """The diagnosis of a job whose budget does not even cover the control."""
    steps = order.steps_per_run * order.most_runs
    summary = (
        f"Nothing was tried: the control alone may take {counted(steps, 'step')} "
        f"({counted(order.most_runs, 'training')}), more than `remedies.budget` allows."
    )
    return draft.diagnosis.model_copy(update={"remedies_outcome": "not_tried", "remedies_summary": summary})


def _with_result(finding: Finding, draft: Draft, prescription: Prescription | None) -> Finding:
    """In place of the advice of what to try: what was tried. Where nothing was, the advice stands."""
    advice = untried(finding.remedies)
    tried = _tried(draft)
    if not advice or not tried or finding.severity == "note":
        return finding
    words = f"{counted(len(tried), 'trial')} of remedies: see `trials`."
    if prescription is not None:
        words += f" `{prescription.title}` is prescribed."
    explanation = finding.explanation.replace(advice, words).replace(UNTRIED, "")
    return finding.model_copy(update={"explanation": explanation})


def _tried(draft: Draft) -> list[FinishedTrial]:
    """The trials but for the control that came to a result."""
    return [trial for trial in compared(draft)[1:] if measured_of(trial) is not None]


def _left_out(given: NotTried) -> Trial:
    return Trial(
        remedy=given.remedy,
        variant=given.variant,
        also=list(given.also),
        status=given.status,
        reason=given.reason,
    )


def _trial(draft: Draft, finished: FinishedTrial) -> Trial:
    order, result, before, after = finished.order, finished.result, control(draft), measured_of(finished)
    failed = result if isinstance(result, TrialFailed) else None
    is_control = finished is draft.finished[0]
    gain = None if is_control else improvement(draft, finished)
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
        improvement=gain,
        improvement_unit=improvement_unit(after) if gain and after else None,
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


def _prescription(draft: Draft) -> Prescription | None:
    found = cures(draft) if reproduced(draft) else []
    if not found:
        return None
    chosen, made = found[0], kept(draft)
    done = made.result if made and isinstance(made.result, TrialDone) else None
    return Prescription(
        remedies=list(chosen.order.remedies),
        variant=chosen.order.variant,
        title=chosen.order.title,
        change=_change(chosen, measured_of(chosen)),
        why=_why(draft, chosen, len(found)),
        files=list(done.files) if done else [],
        files_missing=_missing(made),
        network=_network(done) if done else None,
        runners_up=[trial.order.title for trial in found[1 : 1 + MOST_RUNNERS_UP]],
    )


def _missing(made: FinishedTrial | None) -> dict[str, str]:
    """Why files are not there."""
    if made is None:
        return dict.fromkeys(NETWORK_FILES, "the training that makes the network to keep was not finished")
    if isinstance(made.result, TrialFailed):
        return dict.fromkeys(NETWORK_FILES, f"the training to keep the network failed: {made.result.reason}")
    return dict(made.result.files_missing)


def _network(made: TrialDone) -> KeptNetwork:
    run = made.runs[0]
    return KeptNetwork(
        seed=run.seed,
        learning_rate=run.learning_rate,
        metric=run.metric,
        learned=made.measured.learned,
        findings=run.findings or [],
    )


def _why(draft: Draft, chosen: FinishedTrial, cures_found: int) -> str:
    before, after = control(draft), measured_of(chosen)
    assert before is not None
    assert after is not None
    sentences = [_what_it_does(draft, chosen, before, after), *_by_how_much(draft, chosen)]
    if before.attenuation.mean is not None and after.attenuation.mean is not None:
        sentences.append(
            f"At its way's end the gradient is 10^{after.attenuation.mean:.1f} of what it was at the "
            f"beginning, before 10^{before.attenuation.mean:.1f}."
        )
    if after.findings:
        sentences.append(f"What is still found: {_still_found(after)}.")
    if cures_found > 1:
        sentences.append(_choice(after, cures_found))
    return " ".join(sentences)


def _what_it_does(draft: Draft, chosen: FinishedTrial, before: Measured, after: Measured) -> str:
    ill, name = targets(draft), after.metric_name.replace("_", " ")
    gone = f"{ill[0]} is gone, and " if ill else ""
    learns = "is better" if well(draft) else "learns"
    start = best_without(before)
    reached, was, chance = map(_number, (after.metric.mean, start.mean, after.chance))
    tuned = before.tuned
    at = f" at its best learning rate {tuned.learning_rate:g}" if tuned and start is tuned.metric else ""
    scale = f", {_number(before.chance)} before" if after.chance != before.chance else ""
    return (
        f"With {chosen.order.title} (learning rate {after.learning_rate:g}) {gone}the network {learns}: "
        f"held-out {name} {reached} instead of {was}{at} ({chance} by chance{scale}), over "
        f"{len(after.metric.values)} seeds."
    )


def _by_how_much(draft: Draft, chosen: FinishedTrial) -> list[str]:
    """The improvement with its interval, in its unit."""
    gain, after = improvement(draft, chosen), measured_of(chosen)
    if gain is None or gain.low is None or gain.high is None or after is None:
        return []
    unit = improvement_unit(after)
    words = {"accuracy": "of accuracy", "explained_variance": "of the variance explained"}[unit]
    return [
        f"The improvement is {_number(gain.mean)} {words} (95 % interval {gain.low:.3g} to {gain.high:.3g})."
    ]


def _still_found(after: Measured) -> str:
    return ", ".join(
        f"{condition} (critical)" if condition in after.critical else condition
        for condition in after.findings
    )


def _choice(after: Measured, cures_found: int) -> str:
    if after.critical:
        return f"All {cures_found} remedies that worked leave something critical."
    return f"{cures_found} remedies worked; of those nearly as good as the best it changes least."


def _how_far(draft: Draft, prescription: Prescription | None) -> str:
    if prescription:
        return f"Unfinished: {prescription.title} worked; the network to keep is not made yet."
    return f"Unfinished: {counted(len(compared(draft)), 'trial')} made so far."


def _without_prescription(draft: Draft) -> tuple[RemediesOutcome, str]:
    failed = draft.finished[0].result
    if isinstance(failed, TrialFailed):
        return "inconclusive", f"Inconclusive: the control could not be trained: {failed.reason}"
    if not reproduced(draft):
        return "inconclusive", (
            f"Inconclusive: from other seeds the control does not show {targets(draft)[0]} again, so what a "
            "remedy does could not be told from chance. Nothing was tried."
        )
    if not _tried(draft):
        return "not_tried", "No remedy could be tried: see the reasons in `trials`."
    if well(draft):
        better = "better beyond the uncertainty"
        return "nothing_to_cure", f"There is nothing to cure: {_tally(draft, better)}."
    return "no_cure", f"There is no cure yet: {_tally(draft, 'one')}. `trials` shows how far each came."


def _tally(draft: Draft, what: str) -> str:
    """How many of the trials were `what`: none. Those that failed showed nothing, and are counted apart."""
    tried = len(_tried(draft))
    failed = len(compared(draft)) - 1 - tried
    words = f"none of {tried} trials was {what}" if tried > 1 else f"the only trial was not {what}"
    return f"{words}, and {counted(failed, 'other')} could not be finished" if failed else words


def _number(value: float | None) -> str:
    return "not finite" if value is None else f"{value:.3g}"
