"""Time that goes elsewhere, and what looks like it."""

from dataclasses import replace

import pytest

from tests.unit.diagnosis.traces import COST, RUN, failed, findings, network, recurrent_trace
from workers.diagnosis import diagnose
from workers.probes.trace import Trace

WAITING = replace(COST, data_seconds=0.3)
OVERHEAD = replace(COST, achieved_flops=1e8)


@pytest.mark.parametrize(
    ("cost", "words"),
    [
        (WAITING, "waiting for data"),
        (OVERHEAD, "overhead of small operations"),
        (replace(COST, denormal_share=0.2), "denormal numbers"),
    ],
)
def test_a_shallow_healthy_network_whose_time_goes_elsewhere_is_told_where(cost: object, words: str) -> None:
    diagnosis = diagnose(network(depth=1, cost=cost).build(), service_version="0.1.0")

    assert {f.condition: f.severity for f in diagnosis.findings} == {
        "compute_bound": "note",
        "healthy": "note",
    }
    assert diagnosis.verdict == "healthy"
    assert any(words in f.summary for f in diagnosis.findings if f.condition == "compute_bound")


def test_a_gradient_that_fades_through_time_does_not_hide_the_cost() -> None:
    trace = recurrent_trace(-8.0, cell="gru", cost=OVERHEAD)

    assert findings(trace)["compute_bound"] == "note"


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(network(cost=COST).build(), id="a large network near the peak"),
        pytest.param(
            network(cost=replace(OVERHEAD, data_seconds=1e-4, compute_seconds=1e-4)).build(), id="a short run"
        ),
        pytest.param(failed(cost=WAITING).build(), id="it does not learn"),
        pytest.param(
            network(20, "sigmoid", gains={"activation": -0.6}, cost=WAITING).build(), id="vanishing"
        ),
        pytest.param(
            network(cost=replace(COST, denormal_share=0.2), run=replace(RUN, device="NVIDIA")).build(),
            id="denormals on a GPU",
        ),
        pytest.param(network(cost=replace(COST, peak_flops=float("nan"))).build(), id="not measured"),
    ],
)
def test_a_look_alike_is_not_blamed_on_the_computer(trace: Trace) -> None:
    assert "compute_bound" not in findings(trace)
