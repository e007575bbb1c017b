"""The counting behind docs/accuracy.md."""

from dataclasses import replace

import pytest

from service.contract.conditions import CONDITIONS
from tests.science.accuracy import DOCUMENT, LATER_SETS
from tests.science.accuracy_report import report
from tests.science.situations import first_run
from tests.science.situations.counting import (
    Result,
    Share,
    beside_another,
    false_alarms,
    sensitivity,
)
from tests.science.situations.healthy import HEALTHY
from tests.science.situations.look_alikes import LOOK_ALIKES
from tests.science.situations.more_illnesses import LONG, MORE_ILLNESSES
from tests.science.situations.second_set import SECOND_SET
from tests.science.situations.table import SITUATIONS
from tests.science.situations.third_set import THIRD_SET


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


def test_every_condition_has_a_situation_or_a_reason_for_having_none() -> None:
    situated = {name for s in (*SITUATIONS, *MORE_ILLNESSES) for name in s.truth.conditions}
    assert set(CONDITIONS) - {"healthy"} == situated | set(first_run.UNCHECKED)


def test_what_none_of_the_24_has_is_had_by_two_further_networks() -> None:
    among_the_24 = {name for s in SITUATIONS for name in s.truth.conditions}
    for name in set(CONDITIONS) - {"healthy"} - among_the_24 - set(first_run.UNCHECKED):
        assert sum(name in s.truth.conditions for s in MORE_ILLNESSES) >= 2, name


def test_no_two_networks_have_the_same_name() -> None:
    names = [s.name for s in (*SITUATIONS, *MORE_ILLNESSES, *LATER_SETS, *HEALTHY, *LOOK_ALIKES)]
    assert len(names) == len(set(names))


def test_the_first_run_is_of_these_illnesses_and_its_misses_are_explained() -> None:
    runs = {s.name: 3 if s.name in LONG else 5 for s in MORE_ILLNESSES}
    missed = {name for name, right in first_run.RIGHT.items() if right < runs[name]}
    assert set(first_run.RIGHT) == set(runs)
    assert missed == set(first_run.WHY_MISSED)


def test_the_first_run_of_the_second_set_is_of_these_networks() -> None:
    assert set(first_run.SECOND_RIGHT) == {s.name for s in SECOND_SET}
    assert set(first_run.THIRD_RIGHT) == {s.name for s in THIRD_SET}


def test_the_report_tells_the_first_run_of_the_further_illnesses() -> None:
    assert "93 of 146" in report(RESULTS)
    assert "0 of 80" in report(RESULTS)


def test_misses_of_one_kind_are_told_together() -> None:
    wrong = result("b", "overfitting", truth="dead_units", mistakes=("wrong",))
    assert "- b, seeds 0, 1: wrong" in report([wrong, replace(wrong, seed=1)])


def test_the_page_counts_every_situation() -> None:
    page = DOCUMENT.read_text("utf-8")

    assert {
        s.name for s in (*SITUATIONS, *MORE_ILLNESSES, *LATER_SETS) if f"| {s.name} |" not in page
    } == set()
