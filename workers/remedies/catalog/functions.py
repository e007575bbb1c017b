"""Another activation function, with the first weights that it needs."""

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.layers import Layer
from service.contract.layers.pointwise import Activation
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.first_weights import Written
from workers.remedies.catalog.remedy import NotApplicable
from workers.remedies.catalog.rewriting import (
    initialized,
    layers_of,
    main_activation,
    rewritten_below_the_head,
    with_layers,
)
from workers.remedies.catalog.uploads import require_operation, with_changes

NO_ACTIVATION = "the network has no activation layer"


def with_function(
    request: JobRequest, diagnosis: Diagnosis | None, function: str, init: Written
) -> JobRequest:
    """All activation layers replaced, all linear and convolutional layers but the last initialised for them.
    Raises NotApplicable if there is no activation layer."""
    if isinstance(request.model, UploadedModel):
        require_operation(diagnosis, "activation")
        return with_changes(
            request, {"kind": "activation", "function": function}, {"kind": "initialization", "init": init}
        )
    layers = layers_of(request, diagnosis)
    if main_activation(layers) is None:
        raise NotApplicable(NO_ACTIVATION)

    def change(layer: Layer) -> Layer:
        if isinstance(layer, Activation) and layer.function not in {function, "identity"}:
            return Activation.model_validate({"function": function})
        return initialized(layer, init)

    return with_layers(request, layers, rewritten_below_the_head(layers, change))
