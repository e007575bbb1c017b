"""Gradients lost to the number format, and what looks like it."""

from dataclasses import replace

import pytest

from tests.unit.diagnosis.traces import RUN, examined, failed, findings, network
from workers.probes.trace import Trace

HALF = replace(RUN, precision="float16")
FLUSHED = examined(flushed_share=0.42)


def test_a_gradient_that_float16_sets_to_zero_is_critical_if_it_does_not_learn() -> None:
    assert findings(failed(run=HALF, examinations=FLUSHED).build()) == {"gradient_underflow": "critical"}


def test_updates_that_are_rounded_away_are_found_too() -> None:
    trace = failed(examinations=examined(absorbed_share=0.9)).build()

    assert findings(trace) == {"gradient_underflow": "critical"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(failed(run=HALF, examinations=examined(flushed_share=0.02)).build(), id="few entries"),
        pytest.param(
            failed(examinations=examined(absorbed_share=0.95, best_step_ratio=6.6)).build(), id="tiny steps"
        ),
        pytest.param(
            failed(depth=20, gains={"activation": -0.6}, run=HALF, examinations=FLUSHED).build(),
            id="vanishing",
        ),
        pytest.param(failed(scale=1e-9).build(), id="a small loss in float32"),
        pytest.param(network(examinations=examined(absorbed_share=0.9)).build(), id="converged"),
    ],
)
def test_a_look_alike_is_not_blamed_on_the_format(trace: Trace) -> None:
    assert "gradient_underflow" not in findings(trace)


def test_a_network_that_learned_well_is_healthy_if_few_entries_are_lost() -> None:
    few, many = (network(run=HALF, examinations=examined(flushed_share=s)).build() for s in (0.1, 0.42))

    assert findings(few) == {"gradient_underflow": "note", "healthy": "note"}
    assert findings(many) == {"gradient_underflow": "warning"}
