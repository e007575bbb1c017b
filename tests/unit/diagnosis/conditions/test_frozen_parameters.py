"""Frozen parameters, and what looks like them."""

from dataclasses import replace

import pytest

from tests.unit.diagnosis.traces import TraceBuilder, examined, failed, findings, mlp, network, parameter
from workers.probes.trace import Trace

FROZEN = (parameter("1.0", trained=False, reached=False), parameter("2.0"))
FORGOTTEN = (parameter("1.0", trained=False), parameter("2.0"))


def test_frozen_parameters_of_a_healthy_network_are_a_note() -> None:
    assert findings(network(parameters=FROZEN).build()) == {"frozen_parameters": "note", "healthy": "note"}


def test_parameters_that_the_optimizer_was_not_given_are_a_warning_if_it_does_not_learn() -> None:
    assert findings(failed(parameters=FORGOTTEN).build())["frozen_parameters"] == "warning"


def test_an_older_trace_tells_frozen_layers_too() -> None:
    layers = [replace(info, trainable=info.trainable and info.name != "1.0") for info in mlp(5, "relu")]

    assert findings(TraceBuilder(layers, {"activation": -0.01}).build())["frozen_parameters"] == "note"


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(network(parameters=(parameter("1.0"),)).build(), id="trained"),
        pytest.param(network(parameters=(parameter("1.0", reached=False),)).build(), id="disconnected"),
        pytest.param(network(parameters=(parameter("1.0", zero_at_start=True),)).build(), id="zero at first"),
    ],
)
def test_a_look_alike_is_not_called_frozen(trace: Trace) -> None:
    assert "frozen_parameters" not in findings(trace)


def test_they_are_a_warning_if_the_others_cannot_even_learn_a_few_samples() -> None:
    needed = failed(parameters=FROZEN, examinations=examined(overfit_ratio=0.95)).build()

    assert findings(needed)["frozen_parameters"] == "warning"
    assert findings(failed(parameters=FROZEN).build())["frozen_parameters"] == "note"
