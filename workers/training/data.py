"""What training needs of a data set."""

from typing import Protocol

from torch import Tensor

from workers.probes.trace import Task


class TrainingData(Protocol):
    """Samples to train on and samples held out, on the CPU; `workers.data.Dataset` is one."""

    @property
    def train_inputs(self) -> Tensor: ...
    @property
    def train_targets(self) -> Tensor: ...
    @property
    def test_inputs(self) -> Tensor: ...
    @property
    def test_targets(self) -> Tensor: ...
    @property
    def task(self) -> Task: ...
    @property
    def classes(self) -> int | None: ...
    @property
    def chance(self) -> float:
        """Accuracy, or mean squared error, of the best constant prediction."""
