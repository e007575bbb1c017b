"""Batch normalisation before every activation function (Ioffe & Szegedy 2015)."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers.normalization import BatchNorm
from workers.remedies.catalog.normalizing import with_normalization
from workers.remedies.catalog.remedy import Candidate, Remedy


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    changed = with_normalization(request, diagnosis, BatchNorm())
    return [
        Candidate(
            "batch_norm",
            None,
            "Each feature is normalised over the batch before every activation function.",
            changed,
        )
    ]


REMEDY = Remedy(
    "batch_norm",
    _apply,
    invasiveness=4,
    conditions=frozenset(
        {
            "dead_units",
            "forward_collapse",
            "learning_rate_too_large",
            "not_learning",
            "poor_initialization",
            "saturated_activations",
            "slow_convergence",
            "unscaled_inputs",
            "unstable_training",
            "vanishing_gradients",
        }
    ),
)
