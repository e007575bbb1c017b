"""Samples that become alike on their way through the network."""

import math
from collections.abc import Iterator

from service.contract.conditions.class_imbalance import LARGEST_CLASS
from service.contract.conditions.forward_collapse import (
    CORRELATION,
    INFO,
    OVERFIT_RATIO,
    RANK_ADAPTIVE,
    RANK_SGD,
)
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case, evidence
from workers.diagnosis.condition import Condition
from workers.diagnosis.confidence import beyond_share
from workers.diagnosis.findings import BY_HARM, UNKNOWN, confidence, finding, foretold_failure, outcome_words
from workers.diagnosis.wording import number, percent


def examine(case: Case) -> Iterator[Finding]:
    """A finding if little of the inputs' rank is left, not even 32 samples can be learned by heart, and the
    network's beginning does not foretell that it learns at some learning rate."""
    limit = (RANK_ADAPTIVE if case.adaptive else RANK_SGD).value
    rank, unfitted = relative_rank(case), case.examined_first("overfit_ratio")
    if case.harm not in {"failed", "unknown"} or not (rank < limit and unfitted > OVERFIT_RATIO.value):
        return
    if foretold_failure(case) < UNKNOWN:
        return
    correlation = case.examined_first("feature_correlation")
    if _lopsided(case) and correlation < CORRELATION.value:
        return
    alike = (
        f" (two samples' features correlate by {number(correlation)})" if math.isfinite(correlation) else ""
    )
    yield finding(
        INFO,
        BY_HARM[case.harm],
        confidence(
            case,
            beyond_share(limit, rank),
            beyond_share(unfitted, OVERFIT_RATIO.value),
            unknown=foretold_failure(case),
        ),
        summary=f"The samples become alike on their way through the network: {percent(rank)} of the inputs' "
        "effective rank reaches the last layer.",
        explanation=f"Before training, the last layer can hardly tell the samples apart{alike}. The gradient "
        "may keep its size on the way back, but it says the same for all samples: a copy of the network kept "
        f"{percent(unfitted)} of its loss on 32 samples that it was to learn by heart. {outcome_words(case)}",
        evidence=[
            evidence("relative_feature_rank", rank, limit, step=0),
            evidence("overfit_ratio", unfitted, OVERFIT_RATIO.value, step=0),
            evidence("feature_correlation", correlation, step=0),
            evidence("output_variance_share", case.examined_first("output_variance_share"), step=0),
            *case.metric_evidence(),
        ],
        remedies=("residual", "batch_norm", "tanh"),
    )


def _lopsided(case: Case) -> bool:
    """Whether nearly all samples are of one class, so that what is left of the loss on 32 says little."""
    check = case.trace.data_check
    return check is not None and check.largest_class_share >= LARGEST_CLASS.value


def relative_rank(case: Case) -> float:
    """Effective rank of the last layer's inputs over that of the network's; NaN where not known."""
    features, inputs = case.examined_first("feature_rank"), case.examined_first("input_rank")
    return features / inputs if inputs > 0 else math.nan


CONDITION = Condition(
    info=INFO,
    examine=examine,
    consequence="the samples become alike on their way forward",
    explained_by=frozenset(
        {
            "dead_units",
            "error_signal_saturated",
            "exploding_gradients",
            "non_finite",
            "poor_initialization",
            "uninformative_data",
            "unscaled_inputs",
            "vanishing_gradients",
        }
    ),
)
