"""Means with their uncertainty against SciPy's own tests."""

import math

import numpy as np
import pytest
from scipy import stats

from workers.remedies.estimates import difference, estimate

AFTER, BEFORE = [0.93, 0.95, 0.96], [0.10, 0.14, 0.09]


def test_the_interval_of_a_mean_is_that_of_students_t() -> None:
    found = estimate(AFTER)
    low, high = stats.ttest_1samp(AFTER, 0.0).confidence_interval(0.95)

    assert found.mean == pytest.approx(np.mean(AFTER))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_the_interval_of_a_difference_is_that_of_welchs_t() -> None:
    found = difference(estimate(AFTER), estimate(BEFORE), larger_is_better=True)
    low, high = stats.ttest_ind(AFTER, BEFORE, equal_var=False).confidence_interval(0.95)

    assert found is not None
    assert found.mean == pytest.approx(np.mean(AFTER) - np.mean(BEFORE))
    assert (found.low, found.high) == (pytest.approx(low), pytest.approx(high))


def test_of_an_error_less_is_better() -> None:
    found = difference(estimate([0.1, 0.1]), estimate([0.5, 0.5]), larger_is_better=False)

    assert found is not None
    assert (found.mean, found.low, found.high) == (pytest.approx(0.4), pytest.approx(0.4), pytest.approx(0.4))


@pytest.mark.parametrize("values", [[1.0, math.nan], [1.0, None], [], [math.inf]])
def test_a_value_that_is_not_finite_leaves_no_mean(values: list[float | None]) -> None:
    assert estimate(values).mean is None
    assert difference(estimate(values), estimate(BEFORE), larger_is_better=True) is None


def test_one_value_has_no_interval() -> None:
    assert estimate([0.5]).model_dump() == {"mean": 0.5, "low": None, "high": None, "values": [0.5]}
