"""A loss that does not settle, and what looks like it."""

import numpy as np
import pytest

from tests.unit.diagnosis.traces import POOR, failed, findings, network
from workers.diagnosis import diagnose
from workers.probes.trace import Trace

NOISE = np.random.default_rng(0).normal(0, 1, 200)
SWINGING = 2.3 + 1.5 * np.sin(np.arange(200) / 12)


def test_a_loss_that_swings_widely_is_critical_if_it_does_not_learn() -> None:
    assert findings(failed(loss=SWINGING, examinations=()).build()) == {"unstable_training": "critical"}


def test_it_is_a_warning_if_it_learns_poorly() -> None:
    trace = network(loss=SWINGING, evaluation=POOR, examinations=()).build()

    assert findings(trace) == {"unstable_training": "warning"}


def test_a_loss_that_climbs_away_without_nan_is_critical() -> None:
    trace = failed(loss=np.geomspace(2.3, 1e6, 200), examinations=()).build()

    assert findings(trace) == {"unstable_training": "critical"}


def test_what_it_leads_to_is_no_finding_of_its_own() -> None:
    """It was not there at first: saturation, growth of the gradient, overflow."""
    ending = np.r_[SWINGING, np.geomspace(9, 1e30, 49), np.inf]
    builder = failed(function="tanh", steps=250, loss=ending, examinations=())
    trace = builder.with_series("activation.saturation", builder.at("2.1", 0.1, 0.95)).build()
    trace.total_gradient_norm[:] = np.geomspace(1, 1e12, 250)

    found = diagnose(trace, service_version="0.1.0").findings

    assert [finding.condition for finding in found] == ["unstable_training"]
    assert {"the gradient explodes", "activations saturate"} <= set(found[0].consequences)


def test_activations_that_were_saturated_before_it_are_no_consequence() -> None:
    builder = failed(function="tanh", loss=SWINGING, examinations=())
    trace = builder.with_series("activation.saturation", builder.at("2.1", 0.95)).build()

    assert set(findings(trace)) == {"saturated_activations", "unstable_training"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(failed(loss=2.3 + 0.3 * NOISE).build(), id="noise of small batches"),
        pytest.param(network(loss=np.r_[np.full(20, 9.0), np.geomspace(2.3, 0.1, 180)]).build(), id="a bump"),
        pytest.param(
            network(loss=np.geomspace(2.3, 1e-3, 200) * np.exp(NOISE)).build(), id="converged, noisy"
        ),
        pytest.param(network(loss=SWINGING).build(), id="it learned well"),
        pytest.param(failed(steps=20, loss=SWINGING[:20]).build(), id="too few steps"),
    ],
)
def test_a_look_alike_is_not_called_unstable(trace: Trace) -> None:
    assert "unstable_training" not in findings(trace)
