"""Means with their uncertainty, from a few repetitions."""

import math
from collections.abc import Sequence

import numpy as np
from scipy import stats

from service.contract.remedies import Estimate

CONFIDENCE = 0.95

Part = tuple[float, float]
"""A part of the variance of a mean, and its degrees of freedom."""


def estimate(
    values: Sequence[float | None],
    *,
    least: float = -math.inf,
    most: float = math.inf,
    samples: int | None = None,
) -> Estimate:
    """The mean and its 95 % interval by Student's t (1908), within what the quantity can be; without an
    interval for a single value, without either if a value is not finite.

    `samples`: the values are shares of so many samples, the same each time. Then the interval is of the share
    among all samples that there could be: their binomial variance counts beside that of the repetitions.
    """
    finite = [value for value in values if value is not None and math.isfinite(value)]
    listed = [value if value is not None and math.isfinite(value) else None for value in values]
    if not finite or len(finite) < len(listed):
        return Estimate(mean=None, low=None, high=None, values=listed)
    mean = float(np.mean(finite))
    if len(finite) == 1:
        return Estimate(mean=mean, low=None, high=None, values=listed)
    reach = _reach(_parts(finite, samples))
    return Estimate(mean=mean, low=max(least, mean - reach), high=min(most, mean + reach), values=listed)


def difference(
    after: Estimate, before: Estimate, *, larger_is_better: bool, samples: int | None = None
) -> Estimate | None:
    """By how much `after` is better, with the 95 % interval of a difference of means by Welch's t (1947);
    None where one of them is not known. `values` are those of `after` against the mean of `before`.

    `samples` as in `estimate`; both are taken as if measured on samples of their own, which is cautious.
    """
    if after.mean is None or before.mean is None:
        return None
    sign = 1.0 if larger_is_better else -1.0
    gains = [None if value is None else sign * (value - before.mean) for value in after.values]
    mean = sign * (after.mean - before.mean)
    ones, others = _finite(after), _finite(before)
    if len(ones) < 2 or len(others) < 2:
        return Estimate(mean=mean, low=None, high=None, values=gains)
    reach = _reach([*_parts(ones, samples), *_parts(others, samples)])
    most = math.inf if samples is None else 1.0
    return Estimate(mean=mean, low=max(-most, mean - reach), high=min(most, mean + reach), values=gains)


def explained(error: Estimate, chance: float) -> Estimate:
    """The share of the variance that predictions with this mean squared error explain, 1 − error / chance."""

    def of(value: float | None) -> float | None:
        return None if value is None else 1.0 - value / chance

    return Estimate(
        mean=of(error.mean), low=of(error.high), high=of(error.low), values=[of(v) for v in error.values]
    )


def _finite(given: Estimate) -> list[float]:
    return [value for value in given.values if value is not None]


def _parts(values: Sequence[float], samples: int | None) -> list[Part]:
    """What the variance of the values' mean is made of. Of a share, one more right and one more wrong answer
    are counted (Laplace), so that none is taken for certain."""
    parts = [(float(np.var(values, ddof=1)) / len(values), float(len(values) - 1))]
    if samples is not None and samples > 1:
        share = (float(np.mean(values)) * samples + 1.0) / (samples + 2.0)
        parts.append((share * (1.0 - share) / samples, samples - 1.0))
    return parts


def _reach(parts: Sequence[Part]) -> float:
    """Half the interval, with the degrees of freedom of a sum of variances (Satterthwaite 1946)."""
    total = sum(variance for variance, _ in parts)
    if total == 0.0:
        return 0.0
    freedom = total**2 / sum(variance**2 / degrees for variance, degrees in parts)
    return math.sqrt(total) * float(stats.t.ppf(0.5 + CONFIDENCE / 2, freedom))
