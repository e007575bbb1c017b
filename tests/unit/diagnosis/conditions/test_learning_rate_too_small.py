"""A learning rate that is too small, and what looks like it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.diagnosis.traces import RUN, examined, failed, findings, network
from workers.probes.trace import Trace

FAR = examined(best_step_ratio=5.25)


def test_steps_five_decades_too_short_are_critical_if_it_does_not_learn() -> None:
    assert findings(failed(examinations=FAR).build()) == {"learning_rate_too_small": "critical"}


def test_they_are_told_without_training() -> None:
    trace = network(examinations=FAR, steps=0, evaluation=None).build()

    assert findings(trace)["learning_rate_too_small"] == "warning"


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(failed(depth=20, gains={"activation": -0.6}, examinations=FAR).build(), id="vanishing"),
        pytest.param(network(examinations=FAR, loss=np.geomspace(2.3, 1e-3, 200)).build(), id="converged"),
        pytest.param(
            failed(examinations=examined(best_step_ratio=4, line_search_gain=0.003)).build(), id="a plateau"
        ),
        pytest.param(
            failed(examinations=examined(best_step_ratio=2.06)).build(), id="a little longer would do"
        ),
        pytest.param(
            failed(examinations=FAR, run=replace(RUN, optimizer="adam")).build(), id="Adam, usual updates"
        ),
        pytest.param(failed().build(), id="a suitable one"),
    ],
)
def test_a_look_alike_is_not_blamed_on_the_learning_rate(trace: Trace) -> None:
    assert "learning_rate_too_small" not in findings(trace)
