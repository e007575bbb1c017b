"""What flows into the network, as far as it can be known without opening files."""

from collections.abc import Iterator, Sequence

from service.contract.data_spec import UploadData
from service.contract.diagnosis import Diagnosis
from service.contract.expansion import Expansion, ExpansionError, PlannedLayer, SizeLimits
from service.contract.job import JobRequest
from service.contract.layers import Layer, LayerError
from service.contract.losses import output_shapes, resolve_loss
from service.contract.model_spec import PlannedModel, SpecModel
from service.contract.shapes import Signal
from workers.remedies.catalog.remedy import NotApplicable

GUESSES = (
    Signal((1009,)),
    Signal((101, 1009)),
    Signal((7, 127, 127)),
    Signal((3, 127, 127)),
    Signal((1, 127, 127)),
    Signal((101,), vocabulary=1009),
)
"""What samples of an uploaded data set may look like: one of each kind, large enough for any kernel, in sizes
that no layer has by accident."""
GUESSED_TARGETS = 1013
_UNLIMITED = SizeLimits(layers=2**31, nesting=2**31, parameters=2**62, activation_values=2**62)


def planned(
    model: PlannedModel, request: JobRequest, diagnosis: Diagnosis | None
) -> tuple[list[Layer], tuple[PlannedLayer, ...]]:
    """A model's layers as they are written, and as they are planned for the request's data, one for one.

    Of uploaded data only the kind matters, and is guessed: one that the layers fit, if possible one that
    gives the layers which the diagnosis has. Raises NotApplicable if none does.
    """
    if not isinstance(request.data, UploadData):
        shape = request.data.shape
        targets = output_shapes(resolve_loss(request.training.loss, shape), shape)[0][0]
        return _expanded(model, shape.sample, targets)
    fitting = list(_guessed(model))
    measured = [layer.op for layer in diagnosis.layers] if diagnosis else None
    same = [guess for guess in fitting if measured == _ops(guess[1])]
    if not same and measured is not None and not isinstance(model, SpecModel):
        fitting = []  # a template writes other layers for other kinds of samples
    if not fitting:
        raise NotApplicable("what the uploaded samples look like cannot be told before they are loaded")
    return (same or fitting)[0]


def _guessed(model: PlannedModel) -> Iterator[tuple[list[Layer], tuple[PlannedLayer, ...]]]:
    """As `_expanded`, for each guess that the layers fit."""
    for guess in GUESSES:
        try:
            yield _expanded(model, guess, GUESSED_TARGETS)
        except (LayerError, ExpansionError):
            continue


def _expanded(
    model: PlannedModel, sample: Signal, targets: int
) -> tuple[list[Layer], tuple[PlannedLayer, ...]]:
    layers = model.expand(sample)
    return layers, Expansion(_UNLIMITED, targets, batch=1 << 30).network(layers, sample)


def _ops(plans: Sequence[PlannedLayer]) -> list[str]:
    """Of the layers in the order in which the forward pass finishes them, without groups."""
    ops: list[str] = []
    for plan in plans:
        ops += _ops(plan.children)
        if plan.op not in {"repeat", "iteration"}:
            ops.append(plan.op)
    return ops
