import pytest

from service.contract.training_plan import ProbePlan
from workers.probes.schedule import FULL_MEASUREMENT_COST, MAX_CELLS, Schedule


def test_auto_measures_each_of_the_first_steps_and_the_last() -> None:
    full = Schedule.plan(ProbePlan(), 1000, 20).full
    assert set(range(16)) <= full
    assert 999 in full


def test_auto_stays_within_its_budget_after_the_first_steps() -> None:
    for budget in (0.01, 0.05, 0.2):
        full = Schedule.plan(ProbePlan(budget=budget), 5000, 20).full
        share = sum(step >= 16 for step in full) / 5000
        assert share * FULL_MEASUREMENT_COST <= budget


def test_a_budget_of_nothing_leaves_the_first_and_the_last_step() -> None:
    assert Schedule.plan(ProbePlan(budget=0.0), 50, 3).full == {0, 49}


@pytest.mark.parametrize(("every", "expected"), [(1, {0, 1, 2, 3, 4, 5, 6}), (3, {0, 3, 6}), (4, {0, 4, 6})])
def test_a_number_measures_that_often_and_at_the_last_step(every: int, expected: set[int]) -> None:
    assert Schedule.plan(ProbePlan(every=every), 7, 3).full == expected


@pytest.mark.parametrize("every", [1, "auto"])
def test_no_steps_means_one_measurement_at_initialisation(every: int) -> None:
    schedule = Schedule.plan(ProbePlan(every=every), 0, 3)
    assert schedule.full == schedule.through_time == {0}


def test_a_huge_run_is_thinned_so_that_its_trace_fits_in_memory() -> None:
    schedule = Schedule.plan(ProbePlan(every=1), 100_000, 200)
    assert len(schedule.full) * 200 <= MAX_CELLS + 200
    assert 100_000 / schedule.every_step_stride * 200 <= MAX_CELLS
    assert {0, 99_999} <= schedule.full


def test_through_time_is_measured_rarely_but_first_and_last() -> None:
    assert Schedule.plan(ProbePlan(), 200, 3).through_time == {0, 8, 64, 199}


def test_the_schedule_depends_on_the_request_alone() -> None:
    assert Schedule.plan(ProbePlan(), 777, 9) == Schedule.plan(ProbePlan(), 777, 9)
