"""Weights that start where learning cannot, and what looks like it."""

import numpy as np
import pytest

from tests.unit.diagnosis.traces import TraceBuilder, failed, findings, network
from workers.probes.trace import Trace


def weights(builder: TraceBuilder, name: str, deviation: float, mean: float = 0.5) -> TraceBuilder:
    builder = builder.with_series("weight.std", builder.at(name, deviation))
    return builder.with_series("weight.mean", builder.at(name, mean))


def forward(builder: TraceBuilder, decades: float) -> Trace:
    """The signal changes by so many decades from the first layer to the last."""
    row = np.logspace(0, decades, len(builder.layers))
    return builder.with_series("activation.norm", np.tile(row, (20, 1))).build()


def test_equal_weights_in_a_hidden_layer_are_critical_if_it_does_not_learn() -> None:
    assert findings(weights(failed(), "2.0", 0.0).build()) == {"poor_initialization": "critical"}


def test_they_are_told_without_training() -> None:
    trace = weights(network(steps=0, evaluation=None), "2.0", 0.0).build()

    assert findings(trace)["poor_initialization"] == "warning"


def test_a_signal_that_shrinks_from_layer_to_layer_is_critical_if_it_does_not_learn() -> None:
    assert findings(forward(failed(), -6.0)) == {"poor_initialization": "critical"}


def test_the_vanishing_gradient_that_comes_of_it_is_the_finding() -> None:
    assert findings(forward(failed(depth=20, gains={"linear": -0.5}), -9.0)) == {
        "vanishing_gradients": "critical"
    }


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(weights(failed(), "head", 0.0).build(), id="an output layer of zeros"),
        pytest.param(weights(failed(), "2.0", 0.1).build(), id="different weights"),
        pytest.param(weights(network(), "2.0", 0.0).build(), id="it learned all the same"),
        pytest.param(forward(failed(), -1.0), id="a signal that keeps its size"),
        pytest.param(forward(network(), -6.0), id="a scale that is compensated"),
    ],
)
def test_a_look_alike_is_not_blamed_on_the_initialisation(trace: Trace) -> None:
    assert "poor_initialization" not in findings(trace)
