"""From a job's request to what is trained: data, network, layers to measure, loss."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import nn

from service.contract.data_spec import UploadData
from service.contract.errors import ErrorCode, InvalidRequestError
from service.contract.job import JobRequest
from service.contract.model_spec import PlannedModel, UploadedModel
from service.contract.planning import SizeLimits, plan_network
from service.contract.training_plan import TrainingPlan
from workers.data import Dataset, load_dataset, shape_of
from workers.files import CHECKPOINT, OpenFile, no_files
from workers.isolation.child import JobFailedError, is_out_of_memory
from workers.models import build_network, layer_infos
from workers.models.surgery import apply_changes
from workers.probes.survey import in_evaluation_mode
from workers.probes.trace import LayerInfo
from workers.uploads.errors import FailedPassError, InvalidUploadError, UnsafeUploadError, UploadError
from workers.uploads.fit import resolve_loss
from workers.uploads.heads import freeze_other_heads
from workers.uploads.layers import describe_layers
from workers.uploads.network import load_network

ACCEPTED = SizeLimits(layers=2**31, nesting=2**31, parameters=2**62, activation_values=2**62)
"""The front has refused what is too large by its own settings; here only the job's limits count."""


@dataclass(frozen=True)
class Subject:
    """What is trained and measured."""

    network: nn.Module
    layers: tuple[LayerInfo, ...]
    dataset: Dataset
    loss: str
    training_mode: bool = True


def prepare(
    request: JobRequest, open_file: OpenFile = no_files, alive: Callable[[], None] = lambda: None
) -> Subject:
    """Everything that training needs. `alive` is called between its steps: with a large upload each takes its
    time. Raises JobFailedError for what is the request's fault."""
    with blaming(ErrorCode.DATA_INVALID, "The data cannot be loaded"):
        dataset = load_dataset(request.data, request.training.seed, open_file)
    alive()
    with blaming(ErrorCode.MODEL_INVALID, "The network cannot be built"):
        if isinstance(request.model, UploadedModel):
            return _uploaded(request.model, request.training, dataset, open_file, alive)
        return _planned(request, request.model, dataset)


def _planned(request: JobRequest, model: PlannedModel, dataset: Dataset) -> Subject:
    shape = shape_of(dataset) if isinstance(request.data, UploadData) else request.data.shape
    plan = plan_network(model, shape, request.training, ACCEPTED)
    return Subject(build_network(plan, request.training.seed), layer_infos(plan), dataset, plan.loss)


def _uploaded(
    model: UploadedModel,
    training: TrainingPlan,
    dataset: Dataset,
    open_file: OpenFile,
    alive: Callable[[], None],
) -> Subject:
    with open_file(CHECKPOINT) as file:
        network = load_network(model, file)
    alive()
    batch = dataset.train_inputs[: training.batch_size]
    with _explaining(batch):
        apply_changes(network, model.changes, batch, training.seed)
        with in_evaluation_mode(network), torch.no_grad():
            outputs = network(batch)
        alive()
        if model.output is not None:
            freeze_other_heads(network, batch, training_mode=model.mode == "train")
        loss = resolve_loss(training.loss, outputs, dataset.train_targets[: len(batch)], dataset.classes)
        layers = describe_layers(network, batch)
        alive()
        if not layers:
            raise InvalidUploadError(
                "no module of it gives a tensor of real numbers: there is nothing to measure"
            )
    return Subject(network, layers, dataset, loss, training_mode=model.mode == "train")


@contextmanager
def _explaining(batch: torch.Tensor) -> Iterator[None]:
    """A first pass that fails mostly has inputs that it was not made for: say which it got."""
    try:
        yield
    except FailedPassError as error:
        raise _failed(batch, error.detail) from error
    except (RuntimeError, ValueError, TypeError, IndexError, KeyError) as error:
        if is_out_of_memory(error):
            raise
        raise _failed(batch, brief(error)) from error


def _failed(batch: torch.Tensor, reason: str) -> InvalidUploadError:
    given = f"inputs of shape {tuple(batch.shape)} and type {str(batch.dtype).removeprefix('torch.')}"
    if not batch.is_floating_point():
        given += (
            f", {int(batch.min())} to {int(batch.max())} (int32 and int64 arrays of two dimensions are "
            "tokens: save features as float32)"
        )
    return InvalidUploadError(f"its forward pass fails for {given}: {reason}")


def brief(error: Exception) -> str:
    """The first line of what an error says: PyTorch adds pages for its own developers."""
    lines = str(error).strip().splitlines()
    return lines[0][:300] if lines else type(error).__name__


@contextmanager
def blaming(code: ErrorCode, what: str) -> Iterator[None]:
    """Turn a refusal inside the block into the end of the job; lack of memory is nobody's mistake."""
    try:
        yield
    except UploadError as error:
        blamed = ErrorCode.UNSAFE_CHECKPOINT if isinstance(error, UnsafeUploadError) else code
        raise JobFailedError(blamed, f"{what}: {error.detail}") from error
    except InvalidRequestError as error:
        blamed = ErrorCode.DATA_INVALID if error.pointer.startswith("/data") else code
        raise JobFailedError(blamed, f"{what}: {error.pointer}: {error.detail}") from error
    except (ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise JobFailedError(code, f"{what}: {brief(error)}") from error
