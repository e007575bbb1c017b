"""Slow convergence, and what looks like it."""

from typing import Any

import numpy as np
import pytest

from tests.unit.diagnosis.traces import AT_CHANCE, examined, findings, network
from workers.probes.trace import Trace

CREEPING = np.linspace(2.5, 2.1, 200)


def slow(**changes: Any) -> Trace:
    given: dict[str, Any] = {
        "evaluation": AT_CHANCE,
        "loss": CREEPING,
        "examinations": examined(best_step_ratio=2.0),
    }
    return network(**given | changes).build()


def test_a_loss_that_creeps_although_longer_steps_would_help_is_a_warning() -> None:
    assert findings(slow()) == {"slow_convergence": "warning"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(slow(examinations=examined(best_step_ratio=0.2)), id="longer steps would not help"),
        pytest.param(slow(gains={"activation": -0.6}), id="vanishing gradients"),
        pytest.param(slow(loss=np.geomspace(2.3, 0.5, 200)), id="a loss that falls well"),
        pytest.param(slow(steps=50, loss=CREEPING[:50]), id="too few steps"),
        pytest.param(slow(examinations=()), id="not examined"),
        pytest.param(network(loss=CREEPING).build(), id="learned well"),
    ],
)
def test_a_look_alike_is_not_called_slow(trace: Trace) -> None:
    assert "slow_convergence" not in findings(trace)
