"""Two remedies together, where no single one was enough."""

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog import Candidate, NotApplicable, candidates
from workers.remedies.judgement import measured_of, ranked_by_progress
from workers.remedies.messages import Draft, FinishedTrial
from workers.remedies.trials.search import around

MOST_COMBINATIONS = 3
COMBINED = 3
"""Combinations are made of the best so many remedies."""

Wanted = tuple[tuple[str, ...], Candidate]
"""The titles of what was applied before, and what is to be tried on top of it."""


def combinations(draft: Draft, learning_rates: int) -> list[Wanted]:
    """Of the remedies that came farthest, each in its best variant, two at a time: the second one on what the
    first made, at the learning rate that was best for that. Nothing that was tried already."""
    found: list[Wanted] = []
    for first, second in permutations(_best_of_each(draft)[:COMBINED], 2):
        if len(found) == MOST_COMBINATIONS or _holds(found, first, second):
            continue
        combined = _applied_to(first, second, draft.diagnosis)
        if combined is not None and not _tried(draft, combined, learning_rates):
            found.append(((first.order.title,), combined))
    return found


def _best_of_each(draft: Draft) -> list[FinishedTrial]:
    """Variants of one remedy exclude each other."""
    best: dict[str, FinishedTrial] = {}
    for trial in ranked_by_progress(draft):
        best.setdefault(trial.order.remedy, trial)
    return list(best.values())


def _holds(found: Sequence[Wanted], first: FinishedTrial, second: FinishedTrial) -> bool:
    """Whether the two are combined already, the other way round."""
    return ((second.order.title,), first.order.remedy) in [(also, c.remedy) for also, c in found]


def _applied_to(first: FinishedTrial, second: FinishedTrial, diagnosis: Diagnosis) -> Candidate | None:
    """The second's remedy, in the same variant, on what the first made; None if they do not go together."""
    base = _at_its_best(first)
    try:
        found = candidates(second.order.remedy, base, diagnosis)
    except NotApplicable:
        return None
    same = next((candidate for candidate in found if candidate.variant == second.order.variant), None)
    if same is None:
        return None
    return replace(same, description=f"{first.order.description} {same.description}")


def _at_its_best(trial: FinishedTrial) -> JobRequest:
    measured = measured_of(trial)
    assert measured is not None, "a trial that came somewhere was measured"
    return _at(trial.order.request, measured.learning_rate)


def _tried(draft: Draft, candidate: Candidate, learning_rates: int) -> bool:
    """Whether a trial had the same request, whatever it was called, and all of these learning rates."""
    own = candidate.request.training.learning_rate
    wanted = _rounded(candidate.learning_rates or around(own, learning_rates))
    return any(
        _at(trial.order.request, own) == candidate.request
        and wanted <= _rounded([run.learning_rate for run in trial.result.runs])
        for trial in draft.finished
    )


def _at(request: JobRequest, rate: float) -> JobRequest:
    training = request.training.model_copy(update={"learning_rate": rate})
    return request.model_copy(update={"training": training})


def _rounded(rates: Sequence[float]) -> set[str]:
    """Without the last digits, which depend on how a rate was computed."""
    return {f"{rate:.6g}" for rate in rates}
