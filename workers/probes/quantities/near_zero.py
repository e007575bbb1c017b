"""Share of entries that are nearly zero."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from workers.probes.trace import FloatArray

RELATIVE_THRESHOLD = 0.1
"""Entries up to this part of the tensor's scale count as nearly zero: 8 % of a normal distribution."""


def near_zero(values: NDArray[Any], scale: FloatArray) -> FloatArray:
    """Share of |x| <= 0.1 x scale, (k, n), of (k, n, entries) samples.

    The scale of weights is their standard deviation at initialisation, so that the share grows when weights
    shrink. Other tensors are held against their own root mean square at that step, so that the share says how
    sparse they are, whatever their size. A tensor that is zero throughout has share 1.
    """
    threshold = (RELATIVE_THRESHOLD * scale).astype(values.dtype)
    small = np.abs(values) <= threshold[..., None]
    # Counting packed bits is several times faster than summing booleans.
    counts = np.bitwise_count(np.packbits(small, axis=-1)).sum(axis=-1)
    share: FloatArray = counts / values.shape[-1]
    return share
