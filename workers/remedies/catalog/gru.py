"""GRU cells (Cho et al. 2014), with and without the update bias that makes them remember."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.gates import gated
from workers.remedies.catalog.remedy import Candidate, Remedy


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    return gated(request, diagnosis, "gru")


REMEDY = Remedy(
    "gru", _apply, invasiveness=6, conditions=frozenset({"exploding_gradients", "vanishing_gradients"})
)
