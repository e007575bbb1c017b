"""Mean, standard deviation and extremes of a tensor's entries, from its sample."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.probes.trace import FloatArray

TINY = 1e-37
"""Below, the inverse of a float32 range overflows; such a deviation is reported as zero."""


def spread(values: NDArray[Any]) -> dict[str, FloatArray]:
    """Statistics of (k, n, entries) samples, each (k, n).

    The deviation is taken around the mean in a second pass (one pass would cancel all digits where the mean
    is much larger) and in units of the range, so that no square underflows. Sums stay in the samples' own
    float32, which is fast, unless one overflows.
    """
    mean = values.mean(axis=-1)
    if values.dtype != np.float64 and not np.isfinite(mean).all():
        return spread(values.astype(np.float64))
    low, high = values.min(axis=-1), values.max(axis=-1)
    extent = high - low
    centred = values - mean[..., None]
    centred *= np.divide(1.0, extent, out=np.zeros_like(extent), where=extent > TINY)[..., None]
    mean_square = np.einsum("kne,kne->kn", centred, centred) / values.shape[-1]
    std = np.sqrt(mean_square) * extent
    return {"mean": _wide(mean), "std": _wide(std), "min": _wide(low), "max": _wide(high)}


def _wide(values: NDArray[Any]) -> FloatArray:
    return values.astype(np.float64)
