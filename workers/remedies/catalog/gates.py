"""Gated recurrent cells, with the bias of the gate that keeps the state."""

from functools import partial
from typing import Any, Literal

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers import Layer
from service.contract.layers.recurrent import Cell, Recurrent
from workers.remedies.catalog.remedy import Candidate, NotApplicable, each_applicable
from workers.remedies.catalog.rewriting import every_layer, layers_of, rewritten, with_layers

NO_RECURRENT = "the network has no recurrent layer"

VARIANTS: dict[str, tuple[float | str | None, str]] = {
    "chrono": ("chrono", "keep gates start for the length of the sequences (chrono, Tallec & Ollivier 2018)"),
    "forget_bias_1": (1.0, "keep gates start with a bias of 1 (Gers et al. 2000)"),
    "default": (None, "PyTorch's first values, with which it forgets as fast as a plain cell"),
}
"""The bias of the gate that keeps the state. Over 100 steps only chrono was enough (measured: log10 gain
-0.6; bias 1: -6.1; default: none left)."""


def recurrent_layers(layers: list[Layer]) -> list[Recurrent]:
    """Raises NotApplicable if there is none."""
    found = [layer for layer, _ in every_layer(layers) if isinstance(layer, Recurrent)]
    if not found:
        raise NotApplicable(NO_RECURRENT)
    return found


def rewritten_cells(request: JobRequest, diagnosis: Diagnosis | None, changes: dict[str, Any]) -> JobRequest:
    """The request with other fields of all recurrent layers."""

    def change(layer: Layer) -> Layer:
        if not isinstance(layer, Recurrent):
            return layer
        return Recurrent.model_validate({**layer.model_dump(), **changes})

    layers = layers_of(request, diagnosis)
    return with_layers(request, layers, rewritten(layers, change))


def gated(request: JobRequest, diagnosis: Diagnosis | None, cell: Literal["lstm", "gru"]) -> list[Candidate]:
    """Candidates with all recurrent cells `cell`. Raises NotApplicable if there are none."""
    layers = recurrent_layers(layers_of(request, diagnosis))
    already = any(layer.cell == cell for layer in layers)
    return each_applicable(
        cell,
        {
            variant: (
                f"All recurrent cells are {cell.upper()}; {words}.",
                partial(rewritten_cells, request, diagnosis, _fields(cell, bias)),
            )
            for variant, (bias, words) in VARIANTS.items()
            if not (already and variant == "default")
        },
    )


def _fields(cell: Cell, forget_bias: float | str | None) -> dict[str, Any]:
    fields = {"cell": cell, "nonlinearity": None, "forget_bias": forget_bias}
    return fields if forget_bias is None else {**fields, "bias": True}
