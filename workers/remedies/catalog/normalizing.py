"""Putting a normalisation before every activation function."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers import Layer
from service.contract.layers.normalization import BatchNorm, LayerNorm, Normalization
from service.contract.layers.pointwise import Activation
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.functions import NO_ACTIVATION
from workers.remedies.catalog.remedy import NotApplicable
from workers.remedies.catalog.rewriting import layers_of, main_activation, relisted, with_layers
from workers.remedies.catalog.uploads import require_batch_statistics, require_operation, with_changes


def normalized(layers: list[Layer], norm: Layer) -> list[Layer]:
    """`norm` before each activation of a list, but for those that have a normalisation before them."""
    result: list[Layer] = []
    for layer in layers:
        nonlinear = isinstance(layer, Activation) and layer.function != "identity"
        if nonlinear and not (result and isinstance(result[-1], Normalization)):
            result.append(norm)
        result.append(layer)
    return result


def with_normalization(
    request: JobRequest, diagnosis: Diagnosis | None, norm: BatchNorm | LayerNorm
) -> JobRequest:
    """Raises NotApplicable if there is nothing to normalise."""
    if isinstance(request.model, UploadedModel):
        require_operation(diagnosis, "activation")
        if isinstance(norm, BatchNorm):
            require_batch_statistics(request.model)
        return with_changes(request, {"kind": "normalization", "norm": norm.op})
    layers = layers_of(request, diagnosis)
    if main_activation(layers) is None:
        raise NotApplicable(NO_ACTIVATION)
    changed = relisted(layers, lambda inner: normalized(inner, norm))
    if changed == layers:
        raise NotApplicable("there is a normalisation before every activation already")
    return with_layers(request, layers, changed)
