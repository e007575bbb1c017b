"""The 25 % rule as it should be read, and what it is not."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.diagnosis.traces import POOR, RUN, TraceBuilder, failed, findings, network
from workers.probes.trace import RunInfo, Trace


def shrinking(builder: TraceBuilder, first: float, last: float) -> TraceBuilder:
    return builder.with_series("weight.near_zero", builder.at("2.0", first, last))


def test_weights_that_gather_around_zero_are_a_warning_if_it_does_not_learn() -> None:
    assert findings(shrinking(failed(), 0.08, 0.6).build())["weights_near_zero"] == "warning"


def test_they_are_a_note_if_it_learns_poorly() -> None:
    assert findings(shrinking(network(evaluation=POOR), 0.08, 0.6).build())["weights_near_zero"] == "note"


DECAYED = replace(RUN, learning_rate=0.1, weight_decay=0.5)


def test_where_weight_decay_is_enough_they_are_as_grave_as_what_became_of_training() -> None:
    poor = shrinking(network(evaluation=POOR, run=DECAYED), 0.08, 0.6).build()

    assert findings(poor)["weights_near_zero"] == "warning"
    assert findings(shrinking(failed(run=DECAYED), 0.08, 0.6).build()) == {"weights_near_zero": "critical"}


@pytest.mark.parametrize(
    ("run", "cause"),
    [(DECAYED, "weights_near_zero"), (replace(DECAYED, weight_decay=0.0), "vanishing_gradients")],
)
def test_a_gradient_that_vanishes_under_decay_is_its_consequence(run: RunInfo, cause: str) -> None:
    trace = shrinking(failed(depth=20, run=run), 0.08, 0.6).build()
    passing = trace.series["backpropagated.norm"].values
    passing[1:] *= np.geomspace(1e-9, 1.0, len(trace.layers))

    assert findings(trace) == {cause: "critical"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(shrinking(failed(), 0.08, 0.24).build(), id="under 25 %"),
        pytest.param(shrinking(failed(), 0.8, 0.8).build(), id="pruned from the start"),
        pytest.param(shrinking(network(), 0.08, 0.6).build(), id="without consequence"),
        pytest.param(shrinking(network(), 0.8, 0.8).build(), id="a healthy pruned network"),
    ],
)
def test_a_look_alike_is_no_finding(trace: Trace) -> None:
    assert "weights_near_zero" not in findings(trace)
