"""NaN and infinity: where they began."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from service.contract.conditions.non_finite import INFO, NON_FINITE_LOSS
from service.contract.diagnosis import Evidence, Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.wording import untried

_TENSORS = (
    ("activation", "the output"),
    ("weight", "the parameters"),
    ("backpropagated", "the backward signal"),
    ("gradient", "the parameters' gradient"),
)
"""In the order in which a step computes them: within a step, the first one seen is the origin."""

_SEEN_IN_FORWARD_ORDER = frozenset({"activation", "weight"})

_REMEDIES = ["learning_rate", "gradient_clipping", "check_data"]


@dataclass(frozen=True)
class Origin:
    """The first place at which a tensor was seen to hold NaN or infinity."""

    step: int
    layer: str
    tensor: str
    words: str
    share: float


def examine(case: Case) -> Iterator[Finding]:
    """A critical finding if the loss was not finite, a warning if only tensors were."""
    loss = case.trace.loss
    bad = np.flatnonzero(~np.isfinite(loss))
    origin = _origin(case)
    run = case.trace.run
    scaled = run.precision == "float16" and run.loss_scaling is not False  # then it overflows on purpose
    if bad.size:
        yield _finding(case, origin, int(bad[0]), int(bad.size))
    elif origin is not None and not scaled:
        yield _finding(case, origin, None, 0)


def _origin(case: Case) -> Origin | None:
    found = [origin for tensor, words in _TENSORS if (origin := _first(case, tensor, words)) is not None]
    return min(found, key=lambda origin: origin.step, default=None)


def _first(case: Case, tensor: str, words: str) -> Origin | None:
    series = case.trace.series.get(f"{tensor}.non_finite")
    if series is None:
        return None
    rows, columns = np.nonzero(series.values > 0)
    if not rows.size:
        return None
    at = columns[rows == rows[0]]
    column = int(at[0] if tensor in _SEEN_IN_FORWARD_ORDER else at[-1])
    return Origin(
        int(series.steps[rows[0]]),
        case.trace.layers[column].name,
        tensor,
        words,
        float(series.values[rows[0], column]),
    )


def _finding(case: Case, origin: Origin | None, first_loss: int | None, count: int) -> Finding:
    where = (
        f"It was first measured in {origin.words} of `{origin.layer}`, at step {origin.step}. "
        if origin
        else ""
    )
    summary = (
        f"The loss is not finite from step {first_loss} on."
        if first_loss is not None
        else f"{origin.words.capitalize()} of `{origin.layer}` is not finite."
        if origin
        else ""
    )
    return Finding(
        condition=INFO.name,
        severity="critical" if first_loss is not None else "warning",
        confidence=0.99,
        layers=[origin.layer] if origin else [],
        summary=summary,
        explanation="A number became too large for its format, or was computed from two infinities. "
        f"{where}Every parameter that such a gradient reaches is lost, so nothing can be learned after it. "
        f"Lower the learning rate (now {case.trace.run.learning_rate:g}) and look at the inputs for "
        f"numbers that are not finite or not scaled. {untried(_REMEDIES)}",
        evidence=_evidence(origin, first_loss, count),
        remedies=list(_REMEDIES),
        sources=list(INFO.sources),
    )


def _evidence(origin: Origin | None, first_loss: int | None, count: int) -> list[Evidence]:
    found = [evidence("non_finite_loss", float(count), NON_FINITE_LOSS.value, step=first_loss)]
    if origin is not None:
        found.append(evidence("non_finite_share", origin.share, 0.0, layer=origin.layer, step=origin.step))
    return found


CONDITION = Condition(
    info=INFO,
    examine=examine,
    explained_by=frozenset(
        {"exploding_gradients", "learning_rate_too_large", "unscaled_inputs", "unstable_training"}
    ),
    consequence="the loss or a tensor is no longer finite",
)
