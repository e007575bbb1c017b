"""Layer normalisation before every activation function (Ba et al. 2016)."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers.normalization import LayerNorm
from workers.remedies.catalog.normalizing import with_normalization
from workers.remedies.catalog.remedy import Candidate, Remedy


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    changed = with_normalization(request, diagnosis, LayerNorm())
    return [
        Candidate(
            "layer_norm",
            None,
            "Each sample's features are normalised before every activation function.",
            changed,
        )
    ]


REMEDY = Remedy(
    "layer_norm",
    _apply,
    invasiveness=4,
    conditions=frozenset({"exploding_gradients", "vanishing_gradients"}),
)
