"""The real data sets that ship with scikit-learn."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from service.contract.data_spec import BuiltinData, BuiltinName
from workers.data.dataset import Dataset, Scale, split

SPLIT_SEED = 123
"""Seed of the order in which samples are taken. Fixed: the same samples are held out in every job."""
MIN_SPREAD = 1e-6
"""A feature with a smaller standard deviation is not scaled: it would only amplify rounding."""

_LOADERS: dict[BuiltinName, str] = {
    "digits": "load_digits",
    "sequential_digits": "load_digits",
    "breast_cancer": "load_breast_cancer",
    "wine": "load_wine",
    "iris": "load_iris",
    "diabetes": "load_diabetes",
}


def load_real(data: BuiltinData, _seed: int) -> Dataset:
    """A real data set, shuffled once and for all, standardised if `data` says so."""
    shape = data.shape
    inputs, targets = _load(data.name)
    order = np.random.RandomState(SPLIT_SEED).permutation(len(inputs))
    inputs, targets = inputs[order], targets[order]
    regression = shape.task == "regression"
    targets = targets[:, None] if regression else targets
    scales: tuple[Scale | None, Scale | None] = (None, None)
    if data.standardize:
        inputs, input_scale = standardized(inputs, shape.training_samples, shape.sample.shape)
        scales = (input_scale, None)
        if regression:
            targets, target_scale = standardized(targets, shape.training_samples)
            scales = (input_scale, target_scale)
    samples = torch.tensor(inputs, dtype=torch.float32).reshape(len(inputs), *shape.sample.shape)
    values = torch.tensor(targets, dtype=torch.float32 if regression else torch.int64)
    return split(samples, values, shape, *scales)


def _load(name: BuiltinName) -> tuple[NDArray[np.float64], NDArray[Any]]:
    """Inputs (samples, features) and targets (samples,)."""
    from sklearn import datasets  # takes a second to import: only jobs that need it pay

    bunch = getattr(datasets, _LOADERS[name])()
    return np.asarray(bunch.data, dtype=np.float64), np.asarray(bunch.target)


def standardized(
    values: NDArray[Any], training_samples: int, sample: Sequence[int] | None = None
) -> tuple[NDArray[np.float64], Scale]:
    """Mean 0 and standard deviation 1 over the training samples, and by what that was reached. A sample of
    the scale has the shape `sample`, or that of the values'."""
    known = values[:training_samples].astype(np.float64)
    mean, spread = known.mean(axis=0), known.std(axis=0)
    spread = np.where(spread < MIN_SPREAD, 1.0, spread)
    shape = values.shape[1:] if sample is None else tuple(sample)
    parts = (torch.tensor(part, dtype=torch.float32).reshape(shape) for part in (mean, spread))
    shifted: NDArray[np.float64] = (values - mean) / spread
    return shifted, Scale(*parts)
