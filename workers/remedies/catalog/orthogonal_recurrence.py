"""Recurrent weights that neither shrink nor stretch the state."""

from functools import partial
from typing import Any

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.gates import recurrent_layers, rewritten_cells
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy, each_applicable
from workers.remedies.catalog.rewriting import layers_of

VARIANTS: dict[str, tuple[dict[str, Any], str]] = {
    "orthogonal": (
        {"nonlinearity": "tanh", "recurrent_init": {"name": "orthogonal"}},
        "tanh with orthogonal recurrent weights (Saxe et al. 2014)",
    ),
    "identity": (
        {"nonlinearity": "relu", "recurrent_init": {"name": "identity"}, "bias_init": {"name": "zeros"}},
        "ReLU with the identity as recurrent weights and biases of 0 (IRNN, Le et al. 2015)",
    ),
}


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    layers = recurrent_layers(layers_of(request, diagnosis))
    if any(layer.cell != "rnn" for layer in layers):
        raise NotApplicable("a gated cell carries its state past the recurrent weights: its gates decide")
    biased = all(layer.bias for layer in layers)
    return each_applicable(
        "orthogonal_recurrence",
        {
            variant: (
                f"Recurrent layers start as {words}.",
                partial(rewritten_cells, request, diagnosis, fields if biased else _without_biases(fields)),
            )
            for variant, (fields, words) in VARIANTS.items()
        },
    )


def _without_biases(fields: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if name != "bias_init"}


REMEDY = Remedy(
    "orthogonal_recurrence",
    _apply,
    invasiveness=2,
    conditions=frozenset({"exploding_gradients", "vanishing_gradients"}),
)
