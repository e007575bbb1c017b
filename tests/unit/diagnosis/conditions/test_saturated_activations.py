"""Saturated activations, and what looks like them."""

import pytest

from tests.unit.diagnosis.traces import TraceBuilder, failed, findings, network
from workers.probes.trace import Trace


def saturated(builder: TraceBuilder, share: float) -> TraceBuilder:
    return builder.with_series("activation.saturation", builder.at("1.1", share))


def test_a_saturated_layer_in_a_network_that_does_not_learn_is_critical() -> None:
    trace = saturated(failed(depth=2, function="tanh"), 0.97).build()

    assert findings(trace) == {"saturated_activations": "critical"}


def test_it_is_part_of_a_vanishing_gradient() -> None:
    trace = saturated(failed(depth=20, function="tanh", gains={"activation": -0.6}), 0.97).build()

    assert findings(trace) == {"vanishing_gradients": "critical"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(saturated(failed(depth=2, function="tanh"), 0.5).build(), id="partly"),
        pytest.param(saturated(failed(depth=2, function="relu"), 0.97).build(), id="relu"),
        pytest.param(failed(depth=2, function="tanh").build(), id="not measured"),
    ],
)
def test_a_look_alike_is_not_called_saturated(trace: Trace) -> None:
    assert "saturated_activations" not in findings(trace)


def test_decided_units_of_a_network_that_learned_are_a_note() -> None:
    trace = saturated(network(depth=2, function="tanh"), 0.97).build()

    assert findings(trace) == {"saturated_activations": "note", "healthy": "note"}
