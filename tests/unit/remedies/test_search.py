"""Which learning rates a search compares, and which one wins."""

import math

import pytest

from workers.remedies.trials.search import MOST_RATE, around, best, beyond

PLANNED = around(0.1, 3)
SMALLER, LARGER = 0.1 / 10**0.5, 0.1 * 10**0.5


def test_the_own_learning_rate_comes_first_then_smaller_and_larger_ones_in_turn() -> None:
    assert pytest.approx((0.1, SMALLER, LARGER)) == PLANNED
    assert around(0.1, 1) == (0.1,)
    assert around(0.1, 5)[3:] == pytest.approx((0.01, 1.0))


def test_no_learning_rate_is_larger_than_a_job_may_have() -> None:
    assert max(around(MOST_RATE, 7)) == MOST_RATE
    assert len(set(around(MOST_RATE, 7))) == len(around(MOST_RATE, 7))
    assert beyond({MOST_RATE: 0.1, MOST_RATE / 2: 0.2}, (MOST_RATE, MOST_RATE / 2)) is None


def test_the_smallest_loss_wins_and_what_diverged_is_out() -> None:
    assert best({0.1: 0.5, 0.3: 0.2, 1.0: math.nan}) == 0.3
    assert best({0.1: math.nan, 0.3: math.inf}) is None


def test_the_search_goes_on_while_the_best_is_at_an_end_of_the_range() -> None:
    assert beyond({0.1: 0.5, SMALLER: 0.6, LARGER: 0.4}, PLANNED) == pytest.approx(1.0)
    assert beyond({0.1: 0.5, SMALLER: 0.4, LARGER: 0.6}, PLANNED) == pytest.approx(0.01)


def test_it_ends_where_the_best_is_within_the_range() -> None:
    assert beyond({0.1: 0.4, SMALLER: 0.5, LARGER: 0.5}, PLANNED) is None
    assert beyond({0.1: 0.4, SMALLER: 0.5, LARGER: math.nan}, PLANNED) is None
    assert beyond({0.1: math.nan, SMALLER: math.nan, LARGER: math.nan}, PLANNED) is None


def test_it_goes_on_twice_at_most() -> None:
    once = {0.1: 0.5, SMALLER: 0.6, LARGER: 0.4, 1.0: 0.3}
    assert beyond(once, PLANNED) == pytest.approx(10**0.5)
    assert beyond(once | {3.16: 0.2}, PLANNED) is None
