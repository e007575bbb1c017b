"""Training all layers, also those that were frozen."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers import Layer, ParametricLayer
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy
from workers.remedies.catalog.rewriting import layers_of, rewritten, with_layers
from workers.remedies.catalog.uploads import with_changes


def _apply(request: JobRequest, diagnosis: Diagnosis | None) -> list[Candidate]:
    words = "All layers are trained, also those that were frozen."
    if isinstance(request.model, UploadedModel):
        return [Candidate("unfreeze", None, words, with_changes(request, {"kind": "unfreeze"}))]
    layers = layers_of(request, diagnosis)
    changed = rewritten(layers, _thawed)
    if changed == layers:
        raise NotApplicable("no layer is frozen")
    return [Candidate("unfreeze", None, words, with_layers(request, layers, changed))]


def _thawed(layer: Layer) -> Layer:
    frozen = isinstance(layer, ParametricLayer) and not layer.trainable
    return layer.model_copy(update={"trainable": True}) if frozen else layer


REMEDY = Remedy("unfreeze", _apply, invasiveness=1, conditions=frozenset({"frozen_parameters"}))
