"""Data with nothing to learn, and what looks like them."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.diagnosis.traces import (
    AT_CHANCE,
    DATA,
    TraceBuilder,
    examined,
    failed,
    findings,
    network,
    recurrent_trace,
)  # fmt: skip
from workers.probes.trace import Trace

SHUFFLED = replace(DATA, neighbour_score=0.103, neighbour_score_shuffled=0.13)
CONSTANT = replace(DATA, constant_features=1.0, neighbour_score=0.095)
MEMORISED = replace(AT_CHANCE, after_on_training_data=0.9)


def silent(**changes: Any) -> Trace:
    """Nothing passes: no gradient below the head, dead units everywhere."""
    builder: TraceBuilder = failed(**changes)
    trace = builder.with_series("activation.dead_units", builder.at("2.1", 1.0)).build()
    trace.series["backpropagated.norm"].values[:, :-1] = 0.0
    return trace


@pytest.mark.parametrize("evaluation", [AT_CHANCE, MEMORISED])
def test_shuffled_labels_are_the_one_finding(evaluation: Any) -> None:
    trace = failed(data_check=SHUFFLED, evaluation=evaluation).build()

    assert findings(trace) == {"uninformative_data": "critical"}


def test_a_loss_that_still_falls_because_samples_are_learned_by_heart_is_a_warning() -> None:
    trace = failed(data_check=SHUFFLED, evaluation=MEMORISED, loss=np.linspace(2.4, 1.8, 200)).build()

    assert findings(trace) == {"uninformative_data": "warning"}


def test_constant_inputs_are_the_one_finding_whatever_follows_from_them() -> None:
    trace = silent(data_check=CONSTANT, examinations=examined(overfit_ratio=0.97, feature_rank=0.0))

    assert findings(trace) == {"uninformative_data": "critical"}


def test_constant_inputs_are_told_without_training() -> None:
    assert findings(network(data_check=CONSTANT, steps=0, evaluation=None).build()) == {
        "uninformative_data": "critical"
    }


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(network(data_check=SHUFFLED).build(), id="a structure that neighbours do not see"),
        pytest.param(
            network(data_check=SHUFFLED, steps=0, evaluation=None).build(), id="the same, not trained"
        ),
        pytest.param(failed(evaluation=MEMORISED).build(), id="overfitting"),
        pytest.param(
            failed(depth=20, gains={"activation": -0.6}, data_check=SHUFFLED).build(), id="vanishing in depth"
        ),
        pytest.param(
            replace(recurrent_trace(-25.0, evaluation=AT_CHANCE), data_check=SHUFFLED), id="vanishing in time"
        ),
        pytest.param(
            failed(data_check=SHUFFLED, examinations=examined(overfit_ratio=0.9)).build(), id="untrainable"
        ),
        pytest.param(
            failed(data_check=replace(SHUFFLED, neighbour_score=float("nan"))).build(),
            id="neighbours unknown",
        ),
    ],
)
def test_a_look_alike_is_not_blamed_on_the_data(trace: Trace) -> None:
    assert "uninformative_data" not in findings(trace)
