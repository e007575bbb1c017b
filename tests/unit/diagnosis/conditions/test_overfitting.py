"""Overfitting, and what looks like it."""

from dataclasses import replace

import pytest

from tests.unit.diagnosis.traces import AT_CHANCE, DATA, LEARNED, failed, findings, network
from workers.probes.trace import Evaluation, Trace

OVERFITTED = replace(LEARNED, after=0.55, after_on_training_data=0.99)
MEMORISED = replace(AT_CHANCE, after_on_training_data=0.99)
SHUFFLED = replace(DATA, neighbour_score=0.1)


@pytest.mark.parametrize(
    "evaluation", [OVERFITTED, Evaluation("mean_squared_error", 1.1, 0.6, 0.02, 1.0, 500)]
)
def test_far_more_skill_on_training_data_is_a_warning(evaluation: Evaluation) -> None:
    assert findings(network(evaluation=evaluation).build()) == {"overfitting": "warning"}


def test_memorised_data_that_say_something_are_overfitted() -> None:
    assert findings(failed(evaluation=MEMORISED).build()) == {"overfitting": "warning"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(failed(evaluation=MEMORISED, data_check=SHUFFLED).build(), id="nothing to learn"),
        pytest.param(network(evaluation=replace(OVERFITTED, samples=6)).build(), id="too few to tell"),
        pytest.param(network(evaluation=replace(LEARNED, after=0.85)).build(), id="a normal gap"),
        pytest.param(failed().build(), id="fits neither"),
    ],
)
def test_a_look_alike_is_not_called_overfitting(trace: Trace) -> None:
    assert "overfitting" not in findings(trace)
