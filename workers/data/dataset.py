"""A loaded data set."""

from dataclasses import dataclass
from typing import Literal

import torch
from torch import Tensor

from service.contract.data_spec import DataShape, Task


@dataclass(frozen=True)
class Scale:
    """What values were standardised by: subtract `mean`, then divide by `spread`, both (*sample)."""

    mean: Tensor
    """Float32, over the training samples."""
    spread: Tensor
    """Standard deviation, or 1 where that is next to nothing."""


@dataclass(frozen=True)
class Dataset:
    """Samples to train on and samples held out, on the CPU.

    Inputs are (samples, *shape), float32, or int64 for tokens. Targets are int64 class numbers, (samples,) or
    (samples, *positions), or (samples, outputs) float32 for regression.
    """

    train_inputs: Tensor
    train_targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor
    task: Task
    classes: int | None
    """Number of classes, for classification."""
    chance: float
    """On the held-out samples: accuracy of always naming the most frequent class, or mean squared error of
    always predicting the training targets' mean."""
    input_scale: Scale | None = None
    """What the inputs were standardised by, all of them; None if they are as they were given."""
    target_scale: Scale | None = None
    """The same of the targets."""

    @property
    def metric(self) -> Literal["accuracy", "mean_squared_error"]:
        """What `chance` is a value of."""
        return "accuracy" if self.task == "classification" else "mean_squared_error"

    def given_inputs(self, count: int) -> Tensor:
        """The first training inputs, as they were before they were standardised."""
        few, scale = self.train_inputs[:count], self.input_scale
        return few.clone() if scale is None else few * scale.spread + scale.mean


def split(
    inputs: Tensor,
    targets: Tensor,
    shape: DataShape,
    input_scale: Scale | None = None,
    target_scale: Scale | None = None,
) -> Dataset:
    """Train on the first samples, as many as `shape` says, and hold out the others."""
    train = shape.training_samples
    kept, held_out = targets[:train], targets[train:]
    chance = _majority_share(held_out) if shape.task == "classification" else _mean_error(kept, held_out)
    return Dataset(
        inputs[:train], kept, inputs[train:], held_out, task=shape.task, classes=shape.classes, chance=chance,
        input_scale=input_scale, target_scale=target_scale,
    )  # fmt: skip


def _majority_share(targets: Tensor) -> float:
    return float(torch.bincount(targets.flatten()).max()) / targets.numel()


def _mean_error(train_targets: Tensor, test_targets: Tensor) -> float:
    return float((test_targets.double() - train_targets.double().mean(0)).square().mean())
