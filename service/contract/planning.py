"""What a network will be, worked out before anything is built: shapes, names, sizes.

Pure arithmetic: it takes milliseconds even for a request that asks for 10^12 layers, because the layers are
counted before they are written out.
"""

from dataclasses import dataclass

from service.contract.data_spec import DataShape, UploadData
from service.contract.errors import InvalidRequestError
from service.contract.expansion import Expansion, ExpansionError, PlannedLayer, SizeLimits
from service.contract.job import ExpandedLayer, ExpandedModel, JobRequest
from service.contract.layers import LayerError
from service.contract.losses import ResolvedLoss, output_shapes, resolve_loss
from service.contract.model_spec import PlannedModel, SpecModel, UploadedModel
from service.contract.shapes import Shape, Signal
from service.contract.training_plan import TrainingPlan

__all__ = ["NetworkPlan", "PlannedLayer", "SizeLimits", "plan_ahead", "plan_network"]

DEFAULT_LIMITS = SizeLimits()


@dataclass(frozen=True)
class NetworkPlan:
    """A network as it will be built."""

    tree: tuple[PlannedLayer, ...]
    """Its top-level layers, which hold the others."""
    layers: tuple[PlannedLayer, ...]
    """All layers in the order in which the forward pass finishes them, without the `repeat` groups."""
    given: Signal
    """One input sample."""
    loss: ResolvedLoss
    """The loss that it is trained with."""

    @property
    def parameters(self) -> int:
        """Number of its parameters, frozen ones included."""
        return sum(layer.parameters for layer in self.layers)

    @property
    def output_shape(self) -> Shape:
        """Shape of its output for one sample."""
        return self.tree[-1].output.shape

    def expanded(self) -> ExpandedModel:
        """The plan as clients see it."""
        layers = [
            ExpandedLayer(
                name=layer.name,
                op=layer.op,
                output_shape=list(layer.output.shape),
                parameters=layer.trainable_parameters,
            )
            for layer in self.layers
        ]
        return ExpandedModel(layers=layers, parameters=sum(layer.parameters for layer in layers))


def plan_ahead(request: JobRequest, limits: SizeLimits = DEFAULT_LIMITS) -> NetworkPlan | None:
    """What can be known of a job's network from the request alone; None where an uploaded file decides, which
    only the job's own process opens.

    Raises InvalidRequestError as `plan_network`, and for a loss that the data cannot have.
    """
    if isinstance(request.data, UploadData):
        return None
    if isinstance(request.model, UploadedModel):
        resolve_loss(request.training.loss, request.data.shape)
        return None
    return plan_network(request.model, request.data.shape, request.training, limits)


def plan_network(
    model: PlannedModel, shape: DataShape, training: TrainingPlan, limits: SizeLimits = DEFAULT_LIMITS
) -> NetworkPlan:
    """Work out a network's layers, shapes and sizes for data of that shape.

    Raises InvalidRequestError, with a JSON Pointer into the job request, if they do not fit or are too large.
    """
    loss = resolve_loss(training.loss, shape)
    accepted = output_shapes(loss, shape)
    batch = min(training.batch_size, shape.training_samples)
    expansion = Expansion(limits, targets=accepted[0][0], batch=batch)
    plan = NetworkPlan(_expand(model, shape.sample, expansion), tuple(expansion.finished), shape.sample, loss)
    _check_end(plan, accepted, shape, model)
    return plan


def _expand(model: PlannedModel, given: Signal, expansion: Expansion) -> tuple[PlannedLayer, ...]:
    try:
        return expansion.network(model.expand(given), given)
    except LayerError as error:
        raise InvalidRequestError(f"/model/{error.field}", error.detail) from error
    except ExpansionError as error:
        raise InvalidRequestError(_pointer(error, model), error.detail) from error


def _pointer(error: ExpansionError, model: PlannedModel) -> str:
    """Where the request is wrong: a template's layers are not in it, its fields are."""
    if isinstance(model, SpecModel) or not error.pointer.startswith("/model/"):
        return error.pointer
    fields = {"layers": model.depth_field, "parameters": model.width_field, "memory": model.width_field}
    return f"/model/{fields[error.excess]}" if error.excess in fields else "/model"


def _check_end(plan: NetworkPlan, accepted: tuple[Shape, ...], data: DataShape, model: PlannedModel) -> None:
    spec = isinstance(model, SpecModel)
    if not any(layer.trainable_parameters for layer in plan.layers):
        raise InvalidRequestError("/model/layers" if spec else "/model", "no layer has parameters to train")
    last = plan.tree[-1].output
    if last.kind == "vector" and last.shape in accepted:
        return
    wanted = " or ".join(str(shape) for shape in accepted)
    target = f"{data.classes} classes" if data.classes else "a real-valued target"
    raise InvalidRequestError(
        f"/model/layers/{len(plan.tree) - 1}" if spec else "/model",
        f"the network ends with {last}, but {plan.loss} on {target} needs {wanted}: {_better_end(last)}",
    )


def _better_end(last: Signal) -> str:
    head = 'end with {"op": "linear", "units": "targets"}'
    return (
        head if last.kind == "vector" else f'{head} after {{"op": "global_avg_pool"}} or {{"op": "flatten"}}'
    )
