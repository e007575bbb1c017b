"""Changing a network whose layers are in a file: the request says what is done to them once it is loaded."""

from typing import Any

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.model_spec import UploadedModel
from workers.remedies.catalog.remedy import NotApplicable


def with_changes(request: JobRequest, *changes: dict[str, Any]) -> JobRequest:
    """The request with further changes of its uploaded network; what it has already is not repeated."""
    model = request.model
    assert isinstance(model, UploadedModel)
    written = model.model_dump()
    before = type(model).model_validate(written).changes
    added = type(model).model_validate({**written, "changes": list(changes)}).changes
    after = [*before, *(change for change in added if change not in before)]
    return request.model_copy(update={"model": model.model_copy(update={"changes": after})})


def require_operation(diagnosis: Diagnosis | None, *ops: str) -> None:
    """Raise NotApplicable if the network was measured and has no layer of these operations."""
    if diagnosis is not None and not any(layer.op in ops for layer in diagnosis.layers):
        raise NotApplicable(f"the network has no layer of its own that is {' or '.join(ops)}")


def uploaded_function(diagnosis: Diagnosis | None) -> str | None:
    """The activation function that an uploaded network mostly has, as far as it was measured."""
    layers = diagnosis.layers if diagnosis else []
    functions = [layer.function for layer in layers if layer.op == "activation" and layer.function]
    return max(functions, key=functions.count, default=None)


def require_batch_statistics(model: UploadedModel) -> None:
    """Raise NotApplicable if batch normalisation would never see a batch."""
    if model.mode == "evaluation":
        raise NotApplicable("in evaluation mode, batch normalisation does not normalise by batches")
