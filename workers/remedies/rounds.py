"""Which trials come next: first the control, then the candidates, then combinations if nothing was enough."""

from collections.abc import Callable, Iterable, Sequence

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest, Progress
from workers.isolation.child import ChildSpec
from workers.remedies.budget import Budget
from workers.remedies.catalog import Candidate, NotApplicable, candidates
from workers.remedies.combinations import Wanted, combinations
from workers.remedies.conclusion import conclude, so_far, unaffordable
from workers.remedies.judgement import better_tuned, cures, kept, measured_of, reproduced
from workers.remedies.messages import MOST_SEED, Draft, FinishedTrial, Gathered, NotTried, Round, TrialOrder
from workers.remedies.selection import select
from workers.remedies.trials.search import around
from workers.training.levels import COMPANIONS

CONTROL = "control"
USED_UP = "the budget of the trials is used up"


def begin(request: JobRequest, diagnosis: Diagnosis) -> Diagnosis | Round:
    """The control, if remedies are asked for and called for; the diagnosis if that is all there is."""
    plan = request.remedies
    if plan.attempt == "none" or not request.training.steps:
        return diagnosis
    if plan.attempt == "auto" and not _called_for(diagnosis):
        return diagnosis
    draft = Draft(diagnosis=diagnosis)
    control = _control(request, diagnosis)
    if not Budget(request, draft).takes(control):
        return unaffordable(draft, control)
    return _round(draft, (control,))


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
        wanted = combinations(draft, request.remedies.learning_rates)
        draft, orders = _affordable(request, draft, wanted, [])
    else:
        orders = ()
    return _round(draft, orders) if orders else conclude(draft)


def run_child(spec: ChildSpec, _report: Callable[[Progress], None]) -> Diagnosis | Round:
    """The entry of the process in which results are gathered."""
    gathered = Gathered.model_validate_json(spec.request_json)
    return advance(gathered.request, gathered.draft)


def _round(draft: Draft, orders: tuple[TrialOrder, ...]) -> Round:
    return Round(draft=draft, so_far=so_far(draft), orders=orders)


def _called_for(diagnosis: Diagnosis) -> bool:
    """Whether something is found that a remedy is known for."""
    return any(finding.severity != "note" and finding.remedies for finding in diagnosis.findings)


def _seeds(request: JobRequest) -> tuple[int, ...]:
    """Fresh ones: the illness must show again from other first weights."""
    first = request.training.seed + 1
    return tuple((first + number) % MOST_SEED for number in range(request.remedies.seeds))


def _control(request: JobRequest, diagnosis: Diagnosis) -> TrialOrder:
    """The network as it is, with the same search for a learning rate as every candidate, for comparison."""
    return TrialOrder(
        number=0,
        remedy=CONTROL,
        description="Nothing: the network as it is, from other seeds.",
        request=request,
        seeds=_seeds(request),
        learning_rates=around(request.training.learning_rate, request.remedies.learning_rates),
        own_rate=True,
        pretraining_steps=_pretraining_steps(request, diagnosis),
        seconds=request.remedies.budget.seconds,
    )


def _candidates(request: JobRequest, draft: Draft) -> tuple[Draft, tuple[TrialOrder, ...]]:
    attempt = request.remedies.attempt
    if isinstance(attempt, str):
        chosen, refused = _selected(request, draft)
    else:
        chosen, refused = _listed(attempt, request, draft.diagnosis)
    left_out = [
        NotTried(remedy=name, status="not_applicable", reason=reason)
        for name, reason in refused
        if all(candidate.remedy != name for candidate in chosen)
    ]
    return _affordable(request, draft, [((), candidate) for candidate in chosen], left_out)


def _selected(request: JobRequest, draft: Draft) -> tuple[list[Candidate], list[tuple[str, str]]]:
    """What the diagnosis speaks for; first a learning rate at which the control was clearly better."""
    chosen, refused = select(draft.diagnosis, request)
    rate = better_tuned(draft)
    if rate is not None and all(candidate.remedy != "learning_rate" for candidate in chosen):
        words = f"The learning rate is {rate:.3g}."
        chosen.insert(0, Candidate("learning_rate", None, words, request, learning_rates=(rate,)))
    return chosen, refused


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


def _combined(draft: Draft) -> bool:
    return any(trial.order.also for trial in draft.finished)


def _affordable(
    request: JobRequest, draft: Draft, wanted: Sequence[Wanted], left_out: Sequence[NotTried]
) -> tuple[Draft, tuple[TrialOrder, ...]]:
    """Orders for as many as the budget allows, in this order; the others are noted as skipped."""
    budget = Budget(request, draft)
    orders: list[TrialOrder] = []
    not_tried = [*draft.not_tried, *left_out]
    for also, candidate in wanted:
        number = len(draft.finished) + len(orders)
        order = _order(request, draft.diagnosis, number, also, candidate, budget.seconds_left)
        if budget.takes(order):
            orders.append(order)
        else:
            not_tried.append(_skipped(order))
    return draft.model_copy(update={"not_tried": tuple(not_tried)}), tuple(orders)


def _skipped(order: TrialOrder) -> NotTried:
    return NotTried(
        remedy=order.remedy, variant=order.variant, also=order.also, status="skipped", reason=USED_UP
    )


def _order(
    request: JobRequest,
    diagnosis: Diagnosis,
    number: int,
    also: tuple[str, ...],
    candidate: Candidate,
    seconds: float | None,
) -> TrialOrder:
    own = candidate.request.training.learning_rate
    return TrialOrder(
        number=number,
        remedy=candidate.remedy,
        variant=candidate.variant,
        also=also,
        description=candidate.description,
        request=candidate.request,
        seeds=_seeds(request),
        learning_rates=candidate.learning_rates or around(own, request.remedies.learning_rates),
        pretraining_steps=_pretraining_steps(candidate.request, diagnosis),
        seconds=seconds,
    )


def _pretraining_steps(request: JobRequest, diagnosis: Diagnosis) -> int:
    """As many levels as the network has layers with weights; exactly so only without branches."""
    plan = request.training.pretraining
    if plan is None:
        return 0
    return plan.steps_per_level * sum(
        1 for layer in diagnosis.layers if layer.parameters and layer.op not in COMPANIONS
    )


def _keeping(request: JobRequest, draft: Draft, cure: FinishedTrial) -> TrialOrder:
    """Make the prescribed network, from the job's own seed, to be kept. It is the answer: the budget bounds
    only how long it may take."""
    measured = measured_of(cure)
    assert measured is not None, "a cure was measured"
    update = {
        "number": len(draft.finished),
        "seeds": (request.training.seed,),
        "learning_rates": (measured.learning_rate,),
        "seconds": Budget(request, draft).seconds_left,
        "keep": True,
    }
    return cure.order.model_copy(update=update)
