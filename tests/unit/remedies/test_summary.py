"""From probed runs to what was measured of a way of training."""

from dataclasses import replace

import pytest

from service.contract.diagnosis import Diagnosis, Finding
from tests.unit.diagnosis.traces import COST, LEARNED, network, recurrent_trace
from tests.unit.remedies.drafts import ILL, finding
from workers.diagnosis import diagnose
from workers.probes.trace import Trace
from workers.remedies.trials.summary import attenuation, metric_estimate, summarize
from workers.remedies.trials.trial import ProbedRun

NOTE, WARNING, CRITICAL = (finding(ILL, severity) for severity in ("note", "warning", "critical"))
OTHER = finding("unstable_training", "warning")


def probed(
    *found: Finding, accuracy: float = 0.95, learned: bool | None = True, flops: float = 1e9
) -> ProbedRun:
    """A run with these findings, whatever its trace shows."""
    evaluation = replace(LEARNED, after=accuracy)
    trace = network(evaluation=evaluation, cost=replace(COST, flops_per_step=flops)).build()
    diagnosis = diagnosed(trace)
    outcome = diagnosis.outcome.model_copy(update={"learned": learned})
    changed = diagnosis.model_copy(update={"findings": list(found), "outcome": outcome})
    return ProbedRun(1, trace, changed, parameters=1000, seconds=1.0, extra_steps=0)


def diagnosed(trace: Trace) -> Diagnosis:
    return diagnose(trace, service_version="")


@pytest.mark.parametrize(
    ("runs", "expected"),
    [
        ([(CRITICAL,), (CRITICAL,)], [ILL]),
        ([(CRITICAL,), ()], []),
        ([(CRITICAL,), (WARNING,), ()], [ILL]),
        ([(NOTE,), (NOTE,)], []),
        ([(OTHER, WARNING), (OTHER, WARNING), (OTHER,)], ["unstable_training", ILL]),
    ],
    ids=["all", "half", "two of three", "notes", "most common first"],
)
def test_a_condition_counts_that_more_than_half_of_the_seeds_show(
    runs: list[tuple[Finding, ...]], expected: list[str]
) -> None:
    assert summarize([probed(*found) for found in runs], 0.1).findings == expected


def test_a_condition_is_critical_if_it_is_so_for_every_seed() -> None:
    assert summarize([probed(CRITICAL), probed(CRITICAL)], 0.1).critical == [ILL]
    assert summarize([probed(CRITICAL), probed(WARNING)], 0.1).critical == []


@pytest.mark.parametrize(
    ("answers", "expected"),
    [((True, True), True), ((True, False), None), ((True, True, False), True), ((None, None), None)],
)
def test_a_network_learns_if_it_does_for_more_than_half_of_the_seeds(
    answers: tuple[bool | None, ...], expected: bool | None
) -> None:
    assert summarize([probed(learned=answer) for answer in answers], 0.1).learned is expected


def test_the_metric_is_that_of_all_seeds_with_the_samples_it_was_measured_on() -> None:
    found = summarize([probed(accuracy=0.9), probed(accuracy=0.8)], 0.1)
    assert found.metric.mean == pytest.approx(0.85)
    assert found.metric.values == [0.9, 0.8]
    assert (found.metric_samples, found.chance, found.metric_name) == (360, 0.1, "accuracy")


def test_equal_accuracies_are_as_uncertain_as_their_number_of_samples_leaves_them() -> None:
    certain, few = (
        metric_estimate([0.9, 0.9], "accuracy", 10_000),
        metric_estimate([0.9, 0.9], "accuracy", 50),
    )
    assert certain.low is not None
    assert few.low is not None
    assert 0.89 < certain.low < 0.9
    assert few.low < 0.85


def test_an_interval_stays_within_what_the_metric_can_be() -> None:
    accuracy = metric_estimate([1.0, 0.9], "accuracy", 50)
    error = metric_estimate([0.1, 0.9], "mean_squared_error", 50)
    assert accuracy.high == 1.0
    assert error.low == 0.0
    assert error.high is not None
    assert error.high > 1.0


def test_the_cost_is_that_of_a_step() -> None:
    cost = summarize([probed(flops=1e9), probed(flops=1e9)], 0.1).cost
    assert cost.seconds_per_step == pytest.approx(0.1)
    assert (cost.parameters, cost.flops_per_step, cost.extra_steps) == (1000, 1e9, 0)


def test_attenuation_is_along_time_where_there_is_a_recurrent_layer() -> None:
    assert attenuation(diagnosed(recurrent_trace(-7.0))) == pytest.approx(-7.0, abs=0.1)
