"""Unscaled inputs, and what looks like them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.diagnosis.traces import DATA, POOR, TraceBuilder, examined, failed, findings, layer, network
from workers.probes.trace import Trace

APART = replace(DATA, feature_scale_ratio=4.0)
OFFSET = replace(DATA, input_mean_ratio=50.0)
CLIMBING = np.r_[np.geomspace(2.3, 1e9, 100), np.full(100, np.nan)]


LARGE = replace(DATA, input_scale=2.4)
SMALL = replace(DATA, input_scale=-3.0)


@pytest.mark.parametrize("check", [APART, OFFSET, LARGE, SMALL])
def test_unscaled_inputs_are_critical_if_it_does_not_learn(check: object) -> None:
    assert findings(failed(data_check=check).build()) == {"unscaled_inputs": "critical"}


def test_they_are_a_warning_if_it_learns_poorly() -> None:
    assert findings(network(data_check=APART, evaluation=POOR).build()) == {"unscaled_inputs": "warning"}


def test_the_divergence_that_comes_of_them_is_part_of_the_finding() -> None:
    trace = failed(data_check=APART, loss=CLIMBING, examinations=examined(best_step_ratio=-5.0)).build()

    assert findings(trace) == {"unscaled_inputs": "critical"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(failed().build(), id="pixels, not centred"),
        pytest.param(failed(data_check=replace(DATA, input_scale=1.0)).build(), id="counts up to some tens"),
        pytest.param(
            failed(
                data_check=APART, layers=[layer("n", "batch_norm", parameters=128), *network().layers]
            ).build(),
            id="a network that scales them",
        ),
        pytest.param(
            failed(loss=CLIMBING, examinations=examined(best_step_ratio=-2)).build(), id="learning rate"
        ),
        pytest.param(failed(data_check=replace(DATA, feature_scale_ratio=np.nan)).build(), id="tokens"),
    ],
)
def test_a_look_alike_is_not_blamed_on_the_scale(trace: Trace) -> None:
    assert "unscaled_inputs" not in findings(trace)


def losing(*lost: float) -> TraceBuilder:
    """A tanh network that failed; its activations, the first one first, each take so many decades."""
    builder, left = failed(function="tanh", depth=len(lost), data_check=LARGE), list(lost)
    above, norms = 0.0, []
    for info in reversed(builder.layers):
        norms.append(10.0**-above)
        above += left.pop() if info.op == "activation" else 0.0
    return builder.with_series("backpropagated.norm", np.tile(norms[::-1], (len(builder.probed()), 1)))


def test_a_gradient_that_is_lost_in_the_first_layer_is_lost_to_the_inputs() -> None:
    assert findings(losing(3.0, 0.0, 0.0).build()) == {"unscaled_inputs": "critical"}


def test_one_that_is_lost_all_the_way_is_an_illness_of_its_own() -> None:
    found = findings(losing(*[0.6] * 20).build())
    assert found == {"unscaled_inputs": "critical", "vanishing_gradients": "critical"}


def test_a_network_that_learned_well_all_the_same_is_healthy() -> None:
    assert findings(network(data_check=APART).build()) == {"unscaled_inputs": "note", "healthy": "note"}
