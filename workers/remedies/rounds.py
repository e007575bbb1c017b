"""Which trials come next: first the control, then the candidates, then combinations if nothing was enough."""

from collections.abc import Callable, Iterable, Sequence
from itertools import permutations

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest, Progress
from workers.isolation.child import ChildSpec
from workers.remedies.catalog import Candidate, NotApplicable, candidates
from workers.remedies.conclusion import conclude
from workers.remedies.judgement import cures, kept, measured_of, ranked_by_progress, reproduced
from workers.remedies.messages import Draft, FinishedTrial, Gathered, Round, TrialOrder
from workers.remedies.selection import select

CONTROL = "control"
DEFAULT_STEPS_FACTOR = 100
"""Without a budget, all trials together may take as many times the job's steps."""
SEARCH_RATIO = 10.0**0.5
"""Between neighbouring learning rates of the search."""
MOST_COMBINATIONS = 3
COMBINED = 3
"""Combinations are made of the best so many trials."""
MOST_SEED = 2**32


def first_round(request: JobRequest, diagnosis: Diagnosis) -> Round | None:
    """The control, if remedies are asked for and called for; None if the diagnosis is all there is."""
    plan = request.remedies
    if plan.attempt == "none" or not request.training.steps:
        return None
    if plan.attempt == "auto" and not _called_for(diagnosis):
        return None
    control = TrialOrder(
        number=0,
        remedy=CONTROL,
        description="nothing: the network as it is, from other seeds",
        request=request,
        seeds=_seeds(request),
        learning_rates=(request.training.learning_rate,),
        seconds=plan.budget.seconds,
    )
    return Round(draft=Draft(diagnosis=diagnosis), orders=(control,))


def advance(request: JobRequest, draft: Draft) -> Diagnosis | Round:
    """What comes after a round: the next one, or the diagnosis with what the trials showed."""
    if not reproduced(draft):
        return conclude(draft)
    if len(draft.finished) == 1:
        draft, orders = _candidates(request, draft)
    elif kept(draft):
        orders = ()
    elif cured := cures(draft):
        orders = (_keeping(request, draft, cured[0]),)
    elif not _combined(draft):
        draft, orders = _combinations(request, draft)
    else:
        orders = ()
    return Round(draft=draft, orders=orders) if orders else conclude(draft)


def run_child(spec: ChildSpec, _report: Callable[[Progress], None]) -> Diagnosis | Round:
    """The entry of the process in which results are gathered."""
    gathered = Gathered.model_validate_json(spec.request_json)
    return advance(gathered.request, gathered.draft)


def _called_for(diagnosis: Diagnosis) -> bool:
    """Whether something is found that a remedy is known for."""
    return any(finding.severity != "note" and finding.remedies for finding in diagnosis.findings)


def _seeds(request: JobRequest) -> tuple[int, ...]:
    """Fresh ones: the illness must show again from other first weights."""
    first = request.training.seed + 1
    return tuple((first + number) % MOST_SEED for number in range(request.remedies.seeds))


def _learning_rates(request: JobRequest) -> tuple[float, ...]:
    """The job's own first, then alternately smaller and larger ones."""
    own = request.training.learning_rate
    rates = [own]
    for distance in range(1, request.remedies.learning_rates):
        power = (distance + 1) // 2 * (-1 if distance % 2 else 1)
        rates.append(own * SEARCH_RATIO**power)
    return tuple(rates)


def _candidates(request: JobRequest, draft: Draft) -> tuple[Draft, tuple[TrialOrder, ...]]:
    attempt = request.remedies.attempt
    if isinstance(attempt, str):
        chosen, refused = select(draft.diagnosis, request)
    else:
        chosen, refused = _listed(attempt, request, draft.diagnosis)
    skipped = [(remedy, "not_applicable", reason) for remedy, reason in refused]
    return _affordable(request, draft, [((), candidate) for candidate in chosen], skipped)


def _listed(
    names: Iterable[str], request: JobRequest, diagnosis: Diagnosis
) -> tuple[list[Candidate], list[tuple[str, str]]]:
    chosen: list[Candidate] = []
    refused = []
    for name in dict.fromkeys(names):
        try:
            chosen += candidates(name, request, diagnosis)
        except NotApplicable as error:
            refused.append((name, str(error)))
    return chosen, refused


def _combinations(request: JobRequest, draft: Draft) -> tuple[Draft, tuple[TrialOrder, ...]]:
    """Of the trials that came farthest, two at a time: the second remedy on what the first made."""
    best = ranked_by_progress(draft)[:COMBINED]
    pairs: list[tuple[tuple[str, ...], Candidate]] = []
    for first, second in permutations(best, 2):
        if len(pairs) == MOST_COMBINATIONS or _tried(pairs, first, second):
            continue
        combined = _applied_to(first, second, draft.diagnosis)
        if combined is not None:
            pairs.append(((first.order.remedy,), combined))
    return _affordable(request, draft, pairs, [])


def _tried(
    pairs: Sequence[tuple[tuple[str, ...], Candidate]], first: FinishedTrial, second: FinishedTrial
) -> bool:
    names = {first.order.remedy, second.order.remedy}
    return len(names) == 1 or any({*also, candidate.remedy} == names for also, candidate in pairs)


def _applied_to(first: FinishedTrial, second: FinishedTrial, diagnosis: Diagnosis) -> Candidate | None:
    """The second's remedy, in the same variant, on what the first made; None if they do not go together."""
    try:
        found = candidates(second.order.remedy, first.order.request, diagnosis)
    except NotApplicable:
        return None
    same = [candidate for candidate in found if candidate.variant == second.order.variant]
    return next((c for c in same if c.request != first.order.request), None)


def _combined(draft: Draft) -> bool:
    return any(trial.order.also for trial in draft.finished)


def _affordable(
    request: JobRequest,
    draft: Draft,
    wanted: Sequence[tuple[tuple[str, ...], Candidate]],
    not_tried: Sequence[tuple[str, str, str]],
) -> tuple[Draft, tuple[TrialOrder, ...]]:
    """Orders for as many as the budget allows, in this order; the others are noted as skipped."""
    budget = _Budget(request, draft)
    orders: list[TrialOrder] = []
    skipped = list(not_tried)
    for also, candidate in wanted:
        order = _order(request, len(draft.finished) + len(orders), also, candidate)
        if not budget.takes(order):
            skipped.append((order.title, "skipped", "the budget of the trials is used up"))
            continue
        orders.append(order)
    return draft.model_copy(update={"not_tried": (*draft.not_tried, *skipped)}), tuple(orders)


def _order(request: JobRequest, number: int, also: tuple[str, ...], candidate: Candidate) -> TrialOrder:
    return TrialOrder(
        number=number,
        remedy=candidate.remedy,
        variant=candidate.variant,
        also=also,
        description=candidate.description,
        request=candidate.request,
        seeds=_seeds(request),
        learning_rates=candidate.learning_rates or _learning_rates(request),
        seconds=request.remedies.budget.seconds,
    )


def _keeping(request: JobRequest, draft: Draft, cure: FinishedTrial) -> TrialOrder:
    """Make the prescribed network, from the job's own seed, to be kept."""
    measured = measured_of(cure)
    assert measured is not None, "a cure was measured"
    update = {
        "number": len(draft.finished),
        "seeds": (request.training.seed,),
        "learning_rates": (measured.learning_rate,),
        "keep": True,
    }
    return cure.order.model_copy(update=update)


class _Budget:
    """What the trials may still cost. Seconds are foreseen from what the trials before took per step."""

    def __init__(self, request: JobRequest, draft: Draft) -> None:
        budget = request.remedies.budget
        spent = [trial.order for trial in draft.finished]
        seconds = sum(run.seconds for trial in draft.finished for run in trial.result.runs)
        steps = sum(order.steps for order in spent)
        self._steps_left = (budget.steps or DEFAULT_STEPS_FACTOR * request.training.steps) - steps
        self._seconds_left = None if budget.seconds is None else budget.seconds - seconds
        self._seconds_per_step = seconds / steps if steps else 0.0

    def takes(self, order: TrialOrder) -> bool:
        """Whether there is room for it; if so, it is counted."""
        seconds = order.steps * self._seconds_per_step
        if order.steps > self._steps_left:
            return False
        if self._seconds_left is not None and seconds > self._seconds_left:
            return False
        self._steps_left -= order.steps
        if self._seconds_left is not None:
            self._seconds_left -= seconds
        return True
