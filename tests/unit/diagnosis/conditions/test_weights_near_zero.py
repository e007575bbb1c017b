"""The 25 % rule as it should be read, and what it is not."""

import pytest

from tests.unit.diagnosis.traces import POOR, TraceBuilder, failed, findings, network
from workers.probes.trace import Trace


def shrinking(builder: TraceBuilder, first: float, last: float) -> TraceBuilder:
    return builder.with_series("weight.near_zero", builder.at("2.0", first, last))


def test_weights_that_gather_around_zero_are_a_warning_if_it_does_not_learn() -> None:
    assert findings(shrinking(failed(), 0.08, 0.6).build())["weights_near_zero"] == "warning"


def test_they_are_a_note_if_it_learns_poorly() -> None:
    assert findings(shrinking(network(evaluation=POOR), 0.08, 0.6).build())["weights_near_zero"] == "note"


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
