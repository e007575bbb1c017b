"""The counting behind docs/accuracy.md."""

import pytest

from tests.science.accuracy_report import report
from tests.science.situations.counting import (
    Result,
    Share,
    beside_another,
    false_alarms,
    sensitivity,
)


def result(
    name: str, *alarms: str, truth: str | None = None, mistakes: tuple[str, ...] = (), counts: bool = True
) -> Result:
    """A run that raised these alarms."""
    return Result(
        situation=name,
        seed=0,
        truth=frozenset({truth} if truth else ()),
        alarming=truth is not None,
        verdict="unhealthy" if alarms else "healthy",
        primary=alarms[0] if alarms else "healthy",
        alarms=alarms,
        mistakes=mistakes,
        counts=counts,
    )


RESULTS = [
    result("a", "dead_units", truth="dead_units"),
    result("b", "vanishing_gradients", "dead_units", truth="dead_units", mistakes=("wrong",)),
    result("c", "overfitting", truth="uninformative_data", mistakes=("wrong",)),
    result("d"),
    result("e", "overfitting", mistakes=("false alarm",)),
    result("f", "overfitting", mistakes=("false alarm",), counts=False),
]


@pytest.mark.parametrize(
    ("share", "low", "high"),
    [(Share(0, 10), 0.0, 0.2775), (Share(10, 10), 0.7225, 1.0), (Share(81, 263), 0.2553, 0.3662)],
)
def test_intervals_are_those_of_wilson(share: Share, low: float, high: float) -> None:
    """The last is the example of Newcombe (1998), the others are 1 / (1 + n / z²)."""
    assert share.wilson() == pytest.approx((low, high), abs=1e-4)


def test_a_share_of_nothing_has_no_interval() -> None:
    assert str(Share(0, 0)) == "–"
    with pytest.raises(ValueError, match="nothing"):
        Share(0, 0).wilson()


def test_only_the_first_finding_counts_as_recognised() -> None:
    assert sensitivity(RESULTS, "dead_units") == Share(1, 2)


def test_false_alarms_are_counted_over_networks_that_are_surely_healthy() -> None:
    assert false_alarms(RESULTS, "overfitting") == Share(1, 2)


def test_alarms_on_networks_with_another_illness_are_counted_apart() -> None:
    assert beside_another(RESULTS, "overfitting") == Share(1, 3)
    assert beside_another(RESULTS, "vanishing_gradients") == Share(1, 3)


def test_the_report_hides_no_mistake() -> None:
    written = report(RESULTS)

    assert "1 of 3" in written
    assert "- b, seed 0: wrong" in written
    assert "- e, seed 0: false alarm" in written
    assert "1 did not learn well" in written
