"""Nearest neighbours, each sample left out in its turn."""

import math

import numpy as np
from numpy.typing import NDArray

from workers.probes.trace import FloatArray, IntArray

NEIGHBOURS = 5


def nearest_by_distance(values: FloatArray) -> IntArray:
    """(samples, NEIGHBOURS) the nearest other samples, by Euclidean distance."""
    squares = (values**2).sum(axis=1)
    return _smallest(squares[:, None] + squares[None, :] - 2.0 * (values @ values.T))


def nearest_by_matches(tokens: NDArray[np.generic]) -> IntArray:
    """(samples, NEIGHBOURS) those that have the most positions in common."""
    matches = np.zeros((len(tokens), len(tokens)), dtype=np.float64)
    for position in tokens.T:
        matches += position[:, None] == position[None, :]
    return _smallest(-matches)


class Votes:
    """What the neighbours of each sample say about its target."""

    def __init__(self, nearest: IntArray, classes: int | None) -> None:
        """`classes` is None for regression."""
        self._nearest, self._classes = nearest, classes

    def score(self, targets: NDArray[np.generic]) -> float:
        """Accuracy of the most frequent class among the neighbours; for regression R² of their mean, NaN if
        all targets are equal."""
        if self._classes is None:
            return self._explained(targets.astype(np.float64))
        samples = len(targets)
        cells = np.arange(samples)[:, None] * self._classes + targets.astype(np.int64).ravel()[self._nearest]
        counts = np.bincount(cells.ravel(), minlength=samples * self._classes)
        said = counts.reshape(samples, self._classes).argmax(axis=1)
        return float((said == targets.ravel()).mean())

    def _explained(self, targets: FloatArray) -> float:
        targets = targets.reshape(len(targets), -1)
        spread = float(((targets - targets.mean(axis=0)) ** 2).sum())
        error = float(((targets[self._nearest].mean(axis=1) - targets) ** 2).sum())
        return 1.0 - error / spread if spread > 0 else math.nan


def _smallest(distances: FloatArray) -> IntArray:
    np.fill_diagonal(distances, np.inf)
    count = min(NEIGHBOURS, len(distances) - 1)
    nearest: IntArray = np.argpartition(distances, count - 1, axis=1)[:, :count].astype(np.int64)
    return nearest
