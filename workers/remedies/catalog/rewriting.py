"""Rewriting a network's layers, and putting them into a request."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from service.contract.diagnosis import Diagnosis
from service.contract.errors import InvalidRequestError
from service.contract.expansion import PlannedLayer
from service.contract.job import JobRequest
from service.contract.layers import Layer, Repeat, Residual
from service.contract.layers.attention import Attention
from service.contract.layers.dense import Linear, WeightedLayer
from service.contract.layers.pointwise import Activation
from service.contract.model_spec import SpecModel, UploadedModel
from service.contract.planning import plan_ahead
from service.contract.training_plan import TrainingPlan
from workers.remedies.catalog.remedy import NotApplicable
from workers.remedies.catalog.samples import planned

UPLOADED = (
    "this cannot be changed in an uploaded network: write it as a model spec, or change it where it was made"
)

Change = Callable[[Layer], Layer]


def layers_of(request: JobRequest, diagnosis: Diagnosis | None) -> list[Layer]:
    """The network's layers, a template written out. Raises NotApplicable for an uploaded network."""
    if isinstance(request.model, SpecModel):
        return request.model.layers
    return plan_of(request, diagnosis)[0]


def plan_of(request: JobRequest, diagnosis: Diagnosis | None) -> tuple[list[Layer], tuple[PlannedLayer, ...]]:
    """The same, and their plans with shapes."""
    if isinstance(request.model, UploadedModel):
        raise NotApplicable(UPLOADED)
    return planned(request.model, request, diagnosis)


def with_layers(request: JobRequest, before: Sequence[Layer], after: Sequence[Layer]) -> JobRequest:
    """The request with other layers, as it would be accepted; the same one if they are no others. Raises
    NotApplicable if it would be refused."""
    if list(before) == list(after):
        return request
    model = SpecModel(layers=list(after))
    changed = JobRequest.model_validate(request.model_copy(update={"model": model}).model_dump())
    try:
        plan_ahead(changed)
    except InvalidRequestError as error:
        raise NotApplicable(f"the network would not work any more: {error.detail}") from error
    return changed


def with_training(request: JobRequest, **changes: Any) -> JobRequest:
    """The request with other settings of the training."""
    training = TrainingPlan.model_validate({**request.training.model_dump(), **changes})
    return request.model_copy(update={"training": training})


def rewritten(layers: Sequence[Layer], change: Change) -> list[Layer]:
    """Each layer changed, inner ones before those that hold them."""
    return [change(_with_inner(layer, lambda inner: rewritten(inner, change))) for layer in layers]


def relisted(layers: Sequence[Layer], change: Callable[[list[Layer]], list[Layer]]) -> list[Layer]:
    """Each list of layers changed, inner ones before those around them."""
    return change([_with_inner(layer, lambda inner: relisted(inner, change)) for layer in layers])


def _with_inner(layer: Layer, change: Callable[[list[Layer]], list[Layer]]) -> Layer:
    if not isinstance(layer, Repeat | Residual):
        return layer
    return layer.model_copy(update={"layers": change(layer.layers)})


def rewritten_below_the_head(layers: Sequence[Layer], change: Change) -> list[Layer]:
    """As `rewritten`, but for the layer that makes the outputs, whose scale is the loss's matter."""
    head = head_of(layers)
    return [*rewritten(layers[:head], change), *layers[head:]]


def head_of(layers: Sequence[Layer]) -> int:
    """Index of the linear layer that makes the outputs; the number of layers if none does."""
    for index in reversed(range(len(layers))):
        if isinstance(layers[index], Linear):
            return index
        if isinstance(layers[index], Repeat | Residual | WeightedLayer):
            break
    return len(layers)


def every_layer(layers: Sequence[Layer]) -> Iterator[tuple[Layer, int]]:
    """Every layer, containers too, with how often it is there once repeats are written out."""
    for layer in layers:
        yield layer, 1
        if isinstance(layer, Repeat | Residual):
            times = layer.times if isinstance(layer, Repeat) else 1
            yield from ((inner, times * count) for inner, count in every_layer(layer.layers))


def main_activation(layers: Sequence[Layer]) -> str | None:
    """The activation function that the network mostly has; None if it has none."""
    count: Counter[str] = Counter()
    for layer, times in every_layer(layers):
        if isinstance(layer, Activation) and layer.function != "identity":
            count[layer.function] += times
    return count.most_common(1)[0][0] if count else None


def initialized(layer: Layer, init: dict[str, Any]) -> Layer:
    """A linear or convolutional layer with other first weights, and biases that are 0."""
    if not isinstance(layer, WeightedLayer) or isinstance(layer, Attention):
        return layer
    biases = {"bias_init": {"name": "zeros"}} if layer.bias else {}
    return type(layer).model_validate({**layer.model_dump(), "init": init, **biases})
