"""Vanishing gradients: through depth and through time, one finding for each."""

from collections.abc import Iterator

from service.contract.conditions.vanishing_gradients import INFO
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case
from workers.diagnosis.condition import Condition
from workers.diagnosis.conditions.vanishing_gradients.depth import in_depth
from workers.diagnosis.conditions.vanishing_gradients.recurrence import through_time
from workers.diagnosis.onset import decay_shrinks


def examine(case: Case) -> Iterator[Finding]:
    """One finding per axis along which the gradient vanishes."""
    yield from in_depth(case)
    yield from through_time(case)


def _explained_here(case: Case) -> frozenset[str]:
    """Decay that was enough for it; inputs so large that they saturate the first layer, where it is lost."""
    causes = {"weights_near_zero"} if decay_shrinks(case) else set()
    profile = case.judged_depth
    return frozenset(
        causes | ({"unscaled_inputs"} if profile is not None and profile.lost_at_bottom else set())
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the gradient vanishes",
    explained_by=frozenset({"dead_units", "learning_rate_too_large", "uninformative_data"}),
    explained_here=_explained_here,
)
