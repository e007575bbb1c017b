"""ReLU, the article's remedy for sigmoids, with the first weights without which it cures nothing."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.first_weights import HE
from workers.remedies.catalog.functions import with_function
from workers.remedies.catalog.remedy import Candidate, Remedy


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    return [
        Candidate(
            "relu",
            None,
            "All activation functions are ReLU; the weights before the last layer start as He's "
            "initialisation says, biases at 0.",
            with_function(request, diagnosis, "relu", HE),
        )
    ]


REMEDY = Remedy(
    "relu", _apply, invasiveness=3, conditions=frozenset({"saturated_activations", "vanishing_gradients"})
)
