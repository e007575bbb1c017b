"""Means with their uncertainty, from a few repetitions."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from service.contract.remedies import Estimate

CONFIDENCE = 0.95


def estimate(values: Sequence[float | None]) -> Estimate:
    """The mean and its 95 % interval by Student's t (1908); without an interval for a single value, without
    either if a value is not finite."""
    finite = [value for value in values if value is not None and math.isfinite(value)]
    listed = [value if value is not None and math.isfinite(value) else None for value in values]
    if not finite or len(finite) < len(listed):
        return Estimate(mean=None, low=None, high=None, values=listed)
    mean = float(np.mean(finite))
    if len(finite) == 1:
        return Estimate(mean=mean, low=None, high=None, values=listed)
    error = float(np.std(finite, ddof=1)) / math.sqrt(len(finite))
    reach = error * float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(finite) - 1))
    return Estimate(mean=mean, low=mean - reach, high=mean + reach, values=listed)


def difference(after: Estimate, before: Estimate, *, larger_is_better: bool) -> Estimate | None:
    """By how much `after` is better, with the 95 % interval of a difference of means by Welch's t (1947);
    None where one of them is not known. `values` are those of `after` against the mean of `before`."""
    if after.mean is None or before.mean is None:
        return None
    sign = 1.0 if larger_is_better else -1.0
    gains = [None if value is None else sign * (value - before.mean) for value in after.values]
    mean = sign * (after.mean - before.mean)
    reach = _welch_reach(_finite(after), _finite(before))
    if reach is None:
        return Estimate(mean=mean, low=None, high=None, values=gains)
    return Estimate(mean=mean, low=mean - reach, high=mean + reach, values=gains)


def _finite(given: Estimate) -> list[float]:
    return [value for value in given.values if value is not None]


def _welch_reach(one: Sequence[float], other: Sequence[float]) -> float | None:
    if len(one) < 2 or len(other) < 2:
        return None
    parts = [float(np.var(values, ddof=1)) / len(values) for values in (one, other)]
    total = sum(parts)
    if total == 0.0:
        return 0.0
    freedom = total**2 / sum(p**2 / (len(v) - 1) for p, v in zip(parts, (one, other), strict=True))
    return math.sqrt(total) * float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom))
