"""Truncated backpropagation through time."""

from service.contract.diagnosis import Diagnosis
from service.contract.expansion import PlannedLayer
from service.contract.job import JobRequest
from service.contract.layers.recurrent import Recurrent
from workers.remedies.catalog.gates import NO_RECURRENT
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy
from workers.remedies.catalog.rewriting import plan_of, with_training

PART = 4
"""The gradient is passed back through a quarter of the steps that it went through before."""
FEWEST = 5


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    """It bounds what the gradient can grow by, and what a step costs. It cannot bring back what vanished: the
    early steps then get no gradient at all."""
    times = list(_times(plan_of(request, diagnosis)[1]))
    if not times:
        raise NotApplicable(NO_RECURRENT)
    before = min(max(times), request.training.truncate_time or max(times))
    steps = max(before // PART, FEWEST)
    if steps >= before:
        raise NotApplicable(f"the gradient passes through {before} time steps only")
    words = f"The gradient is passed back through at most {steps} time steps, not {before}."
    changed = with_training(request, truncate_time=steps)
    return [Candidate("shorter_backpropagation", None, words, changed)]


def _times(plans: tuple[PlannedLayer, ...]) -> list[int]:
    """Time steps of each recurrent layer."""
    found: list[int] = []
    for plan in plans:
        found += _times(plan.children)
        if isinstance(plan.spec, Recurrent):
            found.append(plan.given.shape[0])
    return found


REMEDY = Remedy(
    "shorter_backpropagation", _apply, invasiveness=1, conditions=frozenset({"exploding_gradients"})
)
