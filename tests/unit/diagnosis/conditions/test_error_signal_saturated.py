"""An error that does not enter the network, and what looks like it."""

import pytest

from tests.unit.diagnosis.traces import examined, failed, findings, layer, mlp, network
from workers.probes.trace import Trace

DEAF = examined(error_reaching_output=0.0185, error_level=1.36, overfit_ratio=0.93)


def test_a_saturated_output_under_squared_error_is_critical_if_it_does_not_learn() -> None:
    assert findings(failed(examinations=DEAF).build()) == {"error_signal_saturated": "critical"}


def test_a_softmax_within_the_network_counts_as_output_function() -> None:
    layers = [*mlp(5, "relu"), layer("softmax", "softmax")]
    within = failed(layers=layers, gains={"softmax": -1.7}, examinations=examined(error_level=1.0)).build()
    harmless = failed(layers=layers, gains={"softmax": -0.3}, examinations=examined(error_level=1.0)).build()

    assert findings(within) == {"error_signal_saturated": "critical"}
    assert "error_signal_saturated" not in findings(harmless)


def test_without_training_it_is_a_warning() -> None:
    trace = network(examinations=DEAF, steps=0, evaluation=None).build()

    assert findings(trace)["error_signal_saturated"] == "warning"


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(
            failed(examinations=examined(error_reaching_output=0.02, error_level=0.01)).build(),
            id="converged",
        ),
        pytest.param(
            failed(depth=20, gains={"activation": -0.6}, examinations=examined(error_level=1.0)).build(),
            id="vanishing",
        ),
        pytest.param(failed(scale=1e-6).build(), id="a scaled loss"),
        pytest.param(network(examinations=DEAF).build(), id="it learned all the same"),
        pytest.param(
            failed(examinations=examined(error_reaching_output=float("nan"), error_level=1.4)).build(),
            id="not measured",
        ),
    ],
)
def test_a_look_alike_is_not_called_saturated(trace: Trace) -> None:
    assert "error_signal_saturated" not in findings(trace)
