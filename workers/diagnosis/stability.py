"""Whether the training loss settles."""

import math

import numpy as np

from workers.probes.trace import FloatArray

MINIMAL_STEPS = 30
"""Steps from which a swing of the loss can be told from the noise of its batches."""

_WINDOWS = 20
_SMALLEST_WINDOW = 5


def loss_rebound(loss: FloatArray) -> float:
    """The largest rise of the smoothed loss above its own earlier minimum, in units of the first loss.

    Smoothed by medians over twentieths of the run (at least 5 steps), so that single batches do not count.
    Of a run that ended beyond all bounds, what came before; NaN for one too short to tell.
    """
    ends = np.flatnonzero(~np.isfinite(loss))
    loss = loss[: ends[0]] if len(ends) else loss
    if len(loss) < MINIMAL_STEPS:
        return math.nan
    window = max(_SMALLEST_WINDOW, len(loss) // _WINDOWS)
    whole = len(loss) // window * window
    smooth = np.median(loss[:whole].reshape(-1, window), axis=1)
    first = float(loss[0])
    rises = smooth - np.minimum.accumulate(smooth)
    return float(np.max(rises)) / first if first > 0 else math.nan
