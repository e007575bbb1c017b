"""Dead units, and what looks like them."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.diagnosis.traces import AT_CHANCE, DATA, TraceBuilder, failed, findings, mlp, network
from workers.probes.trace import Trace


def dead(builder: TraceBuilder, first: float, last: float, name: str = "3.1") -> TraceBuilder:
    return builder.with_series("activation.dead_units", builder.at(name, first, last))


@pytest.mark.parametrize("first", [0.1, 1.0])
def test_a_layer_of_which_no_unit_ever_fires_is_critical_if_it_does_not_learn(first: float) -> None:
    assert findings(dead(failed(), first, 1.0).build()) == {"dead_units": "critical"}


def test_it_is_critical_without_training_if_every_path_goes_through_it() -> None:
    untrained = dead(network(steps=0, evaluation=None), 1.0, 1.0)
    inside = replace(untrained, layers=[replace(i, on_spine=i.name != "3.1") for i in untrained.layers])

    assert findings(untrained.build())["dead_units"] == "critical"
    assert findings(inside.build())["dead_units"] == "warning"


def test_it_stops_the_gradient_and_so_is_the_one_finding() -> None:
    trace = dead(failed(depth=10), 1.0, 1.0, "6.1").build()
    trace.series["backpropagated.norm"].values[:, :12] = 0.0

    assert findings(trace) == {"dead_units": "critical"}


LOOK_ALIKES = [
    pytest.param(
        dead(failed(depth=20, gains={"activation": -0.6}), 0.1, 0.95).build(),
        id="units that died of vanishing",
    ),
    pytest.param(dead(network(), 0.45, 0.45).build(), id="sparse, not dead"),
    pytest.param(dead(network(), 1.0, 0.1).build(), id="a branch of zeros that opens"),
    pytest.param(dead(network(5, "gelu"), 1.0, 1.0).build(), id="zero output with a derivative that is not"),
    pytest.param(
        TraceBuilder(mlp(20), {"activation": -0.6}, evaluation=AT_CHANCE).build(), id="vanishing gradients"
    ),
    pytest.param(
        dead(failed(data_check=replace(DATA, constant_features=1.0)), 1.0, 1.0).build(), id="no inputs"
    ),
]


@pytest.mark.parametrize("trace", LOOK_ALIKES)
def test_a_look_alike_is_not_called_dead(trace: Trace) -> None:
    assert "dead_units" not in findings(trace)


def test_a_network_that_learned_well_is_healthy_with_a_note() -> None:
    assert findings(dead(network(), 0.95, 0.95).build()) == {"dead_units": "note", "healthy": "note"}


def test_a_measurement_that_failed_says_nothing() -> None:
    assert "dead_units" not in findings(dead(failed(), np.nan, np.nan).build())
