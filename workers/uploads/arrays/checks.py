"""What training needs of inputs and targets."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.uploads.errors import InvalidUploadError

MIN_SAMPLES = 20
"""Fewest samples: some are held out, and a diagnosis needs batches."""
_VALUES_AT_A_TIME = 2**20


def check_samples(inputs_name: str, inputs: NDArray[Any], targets_name: str, targets: NDArray[Any]) -> None:
    """Raise InvalidUploadError unless these are rows of inputs and as many of targets, all finite, also as
    float32."""
    if inputs.ndim < 2:
        raise InvalidUploadError(
            f'"{inputs_name}" has the shape {inputs.shape}, but a row for each sample is needed: '
            "reshape it to (samples, features), for instance with .reshape(-1, 1)"
        )
    if targets.ndim < 1:
        raise InvalidUploadError(f'"{targets_name}" is a single number; a row for each sample is needed')
    if len(inputs) != len(targets):
        raise InvalidUploadError(
            f'"{inputs_name}" has {len(inputs):,} rows, but "{targets_name}" has {len(targets):,}; '
            "there must be a target for each sample"
        )
    if len(inputs) < MIN_SAMPLES:
        raise InvalidUploadError(f"the file has {len(inputs)} samples; at least {MIN_SAMPLES} are needed")
    for name, values in ((inputs_name, inputs), (targets_name, targets)):
        _check_values(name, values)


def _check_values(name: str, values: NDArray[Any]) -> None:
    if values.size == 0:
        raise InvalidUploadError(f'"{name}" has the shape {values.shape}: it has no values')
    if values.dtype.kind != "f":
        return
    rows = max(1, _VALUES_AT_A_TIME * len(values) // values.size)
    for first in range(0, len(values), rows):
        part = values[first : first + rows]
        with np.errstate(over="ignore"):
            computed = part.astype(np.float32, copy=False)  # what it is trained with
        for usable, what in (
            (np.isfinite(part), "is not finite (NaN or infinite)"),
            (np.isfinite(computed), f"is too large for float32 (above {np.finfo(np.float32).max:.1e})"),
        ):
            good = usable.reshape(len(part), -1).all(axis=1)
            if not good.all():
                row = first + int(np.argmin(good))
                raise InvalidUploadError(
                    f'"{name}" has a value that {what}, first in row {row}: remove or replace such values'
                )
