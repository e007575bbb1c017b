"""Arithmetic that survives NaN, infinity and emptiness, since a diverged network's numbers are still
evidence."""

import math

import numpy as np

from workers.probes.trace import FloatArray


def finite(value: float | None, digits: int = 6) -> float | None:
    """The value rounded to `digits` significant digits; None if it is not finite."""
    if value is None or not math.isfinite(value):
        return None
    return float(f"{value:.{digits}g}")


def log10(values: FloatArray) -> FloatArray:
    """Decimal logarithm of norms: -inf for an exact zero, NaN for what is no finite norm."""
    values = np.asarray(values, dtype=np.float64)
    result = np.full(values.shape, np.nan)
    result[values == 0] = -np.inf
    positive = np.isfinite(values) & (values > 0)
    result[positive] = np.log10(values[positive])
    return result


def median(values: FloatArray) -> float:
    """The lower median of the values that are not NaN; NaN if there is none. Zeros' -inf takes part."""
    known = np.sort(values[~np.isnan(values)], axis=None)
    return float(known[(known.size - 1) // 2]) if known.size else math.nan


def mean(values: FloatArray) -> float:
    """The mean; NaN for no values, and not finite if one of them is not."""
    return float(np.mean(values)) if values.size else math.nan


def logistic(x: float) -> float:
    """1 / (1 + e^-x), for any x."""
    if math.isnan(x):
        return 0.5
    return 0.5 * (1.0 + math.tanh(0.5 * x))


def power_of_ten(decades: float) -> float:
    """10 to that power; infinity where it is beyond float64."""
    return 10.0**decades if decades < 308 else math.inf
