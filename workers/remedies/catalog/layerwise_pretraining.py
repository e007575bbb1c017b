"""Layer-wise pre-training: the multi-level hierarchy, one level at a time, then all together."""

from functools import partial

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers import Layer
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.blocks import WEIGHTED
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy, each_applicable
from workers.remedies.catalog.rewriting import every_layer, layers_of, with_training

VARIANTS: dict[str, tuple[int, str]] = {
    "supervised": (100, "to predict the targets through a temporary output layer"),
    "reconstruction": (400, "to rebuild its input through a temporary decoder (an autoencoder)"),
}
"""Steps per level. On 20 sigmoid layers the first cured (0.94), the second did not (0.09; measured)."""


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    if not isinstance(request.model, UploadedModel) and _weighted(layers_of(request, diagnosis)) < 2:
        raise NotApplicable("there is no layer with weights before the one that makes the outputs")
    return each_applicable(
        "layerwise_pretraining",
        {
            target: (
                f"Before training, the layers are trained one after another, {steps} steps each, {words}.",
                partial(_pretrained, request, target, steps),
            )
            for target, (steps, words) in VARIANTS.items()
        },
    )


def _pretrained(request: JobRequest, target: str, steps: int) -> JobRequest:
    plan = {"kind": "layerwise", "target": target, "steps_per_level": steps}
    return with_training(request, pretraining=plan)


def _weighted(layers: list[Layer]) -> int:
    return sum(times for layer, times in every_layer(layers) if isinstance(layer, WEIGHTED))


REMEDY = Remedy(
    "layerwise_pretraining", _apply, invasiveness=6, conditions=frozenset({"vanishing_gradients"})
)
