"""Activation functions other than ReLU: tanh, GELU, SELU, each with the first weights that suit it."""

from functools import partial

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.first_weights import HE, LECUN, XAVIER
from workers.remedies.catalog.functions import with_function
from workers.remedies.catalog.remedy import Candidate, Remedy, each_applicable

FUNCTIONS = {
    "tanh": (XAVIER, "tanh; the weights before the last layer start as Xavier's"),
    "selu": (LECUN, "SELU; the weights before the last layer start as LeCun's"),
    "gelu": (HE, "GELU; the weights before the last layer start as He's"),
}
"""By how near to 1 their gain per layer is (mean-field theory: tanh 0.00, SELU 0.07, GELU -0.59 in ln)."""


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    return each_applicable(
        "activation",
        {
            function: (
                f"All activation functions are {words} initialisation says, biases at 0.",
                partial(with_function, request, diagnosis, function, init),
            )
            for function, (init, words) in FUNCTIONS.items()
        },
    )


REMEDY = Remedy(
    "activation",
    _apply,
    invasiveness=3,
    conditions=frozenset({"dead_units", "forward_collapse", "saturated_activations", "vanishing_gradients"}),
)
