"""How sure a finding is: a documented function of how far the measurements lie from their thresholds.

A measured value x with standard deviation s lies beyond its threshold t with probability about
logistic(1.702 (x - t) / s): the logistic function that is closest to the normal distribution (maximal
error 0.0095; Camilli, G. (1994), Origin of the scaling constant d = 1.7 in item response theory). A finding
that needs a symptom and a consequence has the product of both.
"""

import math

from workers.diagnosis.arithmetic import logistic

NORMAL_SCALE = 1.702
INTERVAL = 1.96
"""Standard deviations of a two-sided 95 % interval."""

CONFIDENCE_CEILING = 0.99
"""One run, one seed: never more."""

THRESHOLD_UNCERTAINTY = 0.5
"""Decades by which the thresholds themselves are uncertain, from the spread of outcomes around them in
our grid."""


SHARE_UNCERTAINTY = 0.05
"""The same for shares."""


def beyond(value: float, threshold: float, deviation: float) -> float:
    """Probability that a value measured with that standard deviation lies above the threshold."""
    return logistic(NORMAL_SCALE * (value - threshold) / max(deviation, 1e-12))


def beyond_decades(value: float, threshold: float, deviation: float) -> float:
    """The same for decades, with the thresholds' own uncertainty."""
    return beyond(value, threshold, math.hypot(deviation, THRESHOLD_UNCERTAINTY))


def beyond_share(value: float, threshold: float) -> float:
    """The same for shares and ratios between 0 and 1, whose thresholds are uncertain by SHARE_UNCERTAINTY."""
    return beyond(value, threshold, SHARE_UNCERTAINTY)


def joint(*probabilities: float) -> float:
    """Confidence in a finding that needs all of these to hold, at most the ceiling."""
    product = math.prod(min(max(p, 0.0), 1.0) for p in probabilities)
    return round(min(product, CONFIDENCE_CEILING), 4)


PRIOR = {False: (-0.942, 0.898), True: (-1.590, 0.520)}
"""Logistic regression of failure on decades lost, over our grid (755 sets of runs each): SGD, adaptive."""


def failure_probability(decades_lost: float, adaptive: bool) -> float:
    """Chance that a network whose gradient loses so many decades in depth does not train, before it was
    trained."""
    intercept, slope = PRIOR[adaptive]
    return logistic(intercept + slope * min(max(decades_lost, 0.0), 15.0))
