"""Gradients and updates that the number format cannot hold."""

from collections.abc import Iterator

from service.contract.conditions.gradient_underflow import ABSORBED_SHARE, FLUSHED_SHARE, INFO, MUCH_FLUSHED
from service.contract.conditions.learning_rate_too_small import STEP_HEADROOM
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_share
from workers.diagnosis.findings import BY_HARM, confidence, finding, outcome_words
from workers.diagnosis.wording import percent


def examine(case: Case) -> Iterator[Finding]:
    """A finding if entries of the gradient, or the updates of most weights, are lost to the format."""
    flushed = max((e.flushed_share for e in case.trace.examinations if e.flushed_share > 0), default=0.0)
    absorbed = case.examined_last("absorbed_share")
    if flushed > FLUSHED_SHARE.value:
        yield _finding(case, "flushed_share", flushed, FLUSHED_SHARE.value, _FLUSHED)
    elif absorbed > ABSORBED_SHARE.value and case.harm in {"failed", "poor"} and not _short_steps(case):
        yield _finding(case, "absorbed_share", absorbed, ABSORBED_SHARE.value, _ABSORBED)


def _short_steps(case: Case) -> bool:
    """Whether updates are lost because the learning rate makes them tiny: no fault of the format."""
    return case.step_headroom > STEP_HEADROOM.value


_FLUSHED = (
    "of the gradient's entries become zero in {format}, though not in float32.",
    "Numbers smaller than the format's smallest are set to zero. The gradient exists, but its small "
    "entries are "
    "lost on the way; multiplying the loss before the backward pass lifts them above the limit.",
    ("loss_scaling",),
)
_ABSORBED = (
    "of the weights are not changed by their update: it is lost in rounding.",
    "A number format keeps so many digits; adding something smaller than half the last one changes nothing. "
    "The optimizer works, but the weights stand still.",
    ("learning_rate", "loss_scaling"),
)


def _finding(
    case: Case, measure: str, share: float, threshold: float, words: tuple[str, str, tuple[str, ...]]
) -> Finding:
    summary, explanation, remedies = words
    severe = measure == "flushed_share" and share > MUCH_FLUSHED.value and case.harm == "none"
    return finding(
        INFO,
        "warning" if severe else BY_HARM[case.harm],
        confidence(case, beyond_share(share, threshold)),
        summary=f"{percent(share)} {summary.format(format=case.trace.run.precision)}",
        explanation=f"{explanation} {outcome_words(case)}",
        evidence=[evidence(measure, share, threshold), *case.metric_evidence()],
        remedies=remedies,
    )


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="numbers fall below what the number format can hold",
    explained_by=frozenset(
        {"dead_units", "error_signal_saturated", "uninformative_data", "vanishing_gradients"}
    ),
)
