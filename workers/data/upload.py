"""A data set that a client uploaded."""

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from service.contract.data_spec import DataShape, UploadData
from service.contract.shapes import Signal
from workers.data.dataset import Dataset, Scale, split
from workers.data.real import SPLIT_SEED, standardized
from workers.files import DATASET, OpenFile
from workers.uploads.arrays import read_arrays
from workers.uploads.errors import InvalidUploadError

TOKEN_TYPES = (np.int32, np.int64)
"""Whole numbers as tensors of tokens have them; others (pixels, counts) are taken as real numbers."""
MOST_CLASSES = 100_000
MOST_DIMENSIONS_OF_A_SPEC = 3


def load_upload(data: UploadData, open_file: OpenFile) -> Dataset:
    """The data set in the job's file, shuffled as in every job. Raises UploadError."""
    with open_file(DATASET) as file:
        inputs, targets = read_arrays(file, data.inputs, data.targets)
    order = np.random.RandomState(SPLIT_SEED).permutation(len(inputs))
    inputs, targets = inputs[order], targets[order]
    shape = _shape(data, inputs, targets)
    targets = targets[:, None] if targets.dtype.kind == "f" and targets.ndim == 1 else targets
    if not data.standardize:
        return split(_inputs(inputs), _targets(targets), shape)
    inputs, input_scale = _standardized(inputs, shape)
    target_scale = None
    if shape.classes is None:
        targets, target_scale = standardized(targets, shape.training_samples)
    return split(_inputs(inputs), _targets(targets), shape, input_scale, target_scale)


def shape_of(dataset: Dataset) -> DataShape:
    """What a network has to know of a loaded data set. Raises InvalidUploadError for one that no layer of a
    model spec takes."""
    sample = dataset.train_inputs[0]
    tokens = not sample.is_floating_point()
    if sample.dim() > MOST_DIMENSIONS_OF_A_SPEC or dataset.train_targets.dim() > 2:
        raise InvalidUploadError(
            f"samples of shape {tuple(sample.shape)} with targets of shape "
            f"{tuple(dataset.train_targets.shape[1:])} do not fit a model spec, which takes (features,), "
            "(time, features) or (channels, height, width) and a class or numbers per sample: upload the "
            "network, too"
        )
    highest = max(int(part.max()) for part in (dataset.train_inputs, dataset.test_inputs)) if tokens else 0
    samples = len(dataset.train_inputs) + len(dataset.test_inputs)
    outputs = 1 if dataset.classes else int(dataset.train_targets[0].numel())
    signal = Signal(tuple(sample.shape), highest + 1 if tokens else None)
    return DataShape(signal, dataset.task, dataset.classes, samples, outputs)


def _shape(data: UploadData, inputs: NDArray[Any], targets: NDArray[Any]) -> DataShape:
    signal = Signal(inputs.shape[1:])
    if targets.dtype.kind == "f":
        if data.classes is not None:
            raise InvalidUploadError(
                f'"classes" is given, but "{data.targets}" holds {targets.dtype} numbers: save classes as '
                "whole numbers"
            )
        return DataShape(signal, "regression", None, len(inputs), int(np.prod(targets.shape[1:])))
    lowest, highest = int(targets.min()), int(targets.max())
    classes = data.classes or max(highest + 1, 2)
    if lowest < 0 or highest >= classes or classes > MOST_CLASSES:
        most = f"{classes - 1}" if data.classes else f"at most {MOST_CLASSES - 1}"
        raise InvalidUploadError(
            f'"{data.targets}" holds the classes {lowest} to {highest}; they must be 0 to {most} '
            "(for a regression, save real numbers)"
        )
    return DataShape(signal, "classification", classes, len(inputs))


def _standardized(inputs: NDArray[Any], shape: DataShape) -> tuple[NDArray[Any], Scale]:
    if _are_tokens(inputs):
        raise InvalidUploadError("tokens cannot be standardised: leave data.standardize out")
    return standardized(inputs, shape.training_samples)


def _are_tokens(inputs: NDArray[Any]) -> bool:
    return inputs.ndim == 2 and inputs.dtype in TOKEN_TYPES


def _inputs(values: NDArray[Any]) -> Tensor:
    dtype = torch.int64 if _are_tokens(values) else torch.float32
    return torch.tensor(values, dtype=dtype)


def _targets(values: NDArray[Any]) -> Tensor:
    if values.dtype.kind != "f":
        return torch.tensor(values, dtype=torch.int64)
    return torch.tensor(values, dtype=torch.float32)
