"""Share of entries that are NaN or infinite."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.probes.trace import FloatArray, IntArray


def non_finite(values: NDArray[Any], mean: FloatArray) -> FloatArray:
    """Share, (k, n), in (k, n, entries) samples with the given means."""
    if np.isfinite(mean).all():  # one bad entry would make the mean bad: nothing to count
        return np.zeros(mean.shape)
    share: FloatArray = 1.0 - np.isfinite(values).mean(axis=-1)
    return share


def at_least_one(share: FloatArray, norms: FloatArray, entries: IntArray) -> FloatArray:
    """Where the exact norm is not finite although the sample is, at least one entry is bad."""
    least = 1.0 / np.maximum(entries, 1)
    corrected: FloatArray = np.where(~np.isfinite(norms) & (share == 0.0), least, share)
    return corrected
