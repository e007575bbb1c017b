"""The summary of a tensor: all of `trace.STATISTICS`."""

import numpy as np

from workers.probes.quantities.measured import Measured
from workers.probes.quantities.near_zero import near_zero
from workers.probes.quantities.non_finite import at_least_one, non_finite
from workers.probes.quantities.spread import spread
from workers.probes.trace import STATISTICS, FloatArray


def summarise(measured: Measured, scale: FloatArray) -> dict[str, FloatArray]:
    """Each statistic, (k, n). The norm is the measured one; the rest is of a sample of up to 256 entries,
    which is the whole tensor where it is no larger. `scale` (k, n) is what "nearly zero" is held against."""
    shape = measured.norms.shape
    summary = {name: np.full(shape, np.nan) for name in STATISTICS}
    summary["norm"] = np.where(measured.entries > 0, measured.norms, np.nan)
    for members, sample in measured.samples.groups():
        divisor = measured.divisor[:, None]
        statistics = {name: value / divisor for name, value in spread(sample).items()}
        statistics["near_zero"] = near_zero(sample, scale[:, members] * divisor)
        bad = non_finite(sample, statistics["mean"])
        statistics["non_finite"] = at_least_one(bad, measured.norms[:, members], measured.entries[members])
        for name, value in statistics.items():
            summary[name][:, members] = value
    return _blank_what_was_not_there(summary)


def _blank_what_was_not_there(summary: dict[str, FloatArray]) -> dict[str, FloatArray]:
    """A tensor that did not exist at a step was recorded as NaN throughout: that is no statement about it."""
    absent = np.isnan(summary["norm"]) & (summary["non_finite"] == 1.0)
    for name in ("near_zero", "non_finite"):
        summary[name] = np.where(absent, np.nan, summary[name])
    return summary
