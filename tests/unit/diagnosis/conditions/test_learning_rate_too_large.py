"""A learning rate that is too large, and what looks like it."""

from dataclasses import replace

import numpy as np
import pytest

from service.contract.diagnosis import Finding
from tests.unit.diagnosis.traces import DATA, RUN, TraceBuilder, examined, failed, findings, network
from workers.diagnosis import diagnose
from workers.probes.trace import Series, Trace

OVER = examined(best_step_ratio=-2.5)
CLIMBING = np.r_[np.geomspace(2.3, 1e9, 100), np.full(100, np.nan)]
SWINGING = 2.3 + 1.5 * np.sin(np.arange(200) / 12)


def first(trace: Trace) -> Finding:
    return diagnose(trace, service_version="0.1.0").findings[0]


def test_what_follows_from_it_is_one_finding() -> None:
    trace = failed(examinations=OVER, loss=CLIMBING).build()
    trace.total_gradient_norm[:100] = np.geomspace(1, 1e12, 100)
    dead = np.full((20, len(trace.layers)), np.nan)
    dead[:, 4] = np.linspace(0.1, 1.0, 20)
    trace.series["activation.dead_units"] = Series(trace.series["update.ratio"].steps, dead)  # type: ignore[index]

    assert findings(trace) == {"learning_rate_too_large": "critical"}
    assert set(first(trace).consequences) >= {"the gradient explodes", "units die"}


def throwing(builder: TraceBuilder) -> Trace:
    trace = builder.build()
    trace.series["update.ratio"].values[:] *= 500
    return trace


def test_adam_is_judged_by_how_far_its_steps_throw_the_weights() -> None:
    adam = replace(RUN, optimizer="adam")

    assert findings(throwing(failed(run=adam, loss=SWINGING))) == {"learning_rate_too_large": "critical"}
    assert "learning_rate_too_large" not in findings(
        failed(run=adam, loss=SWINGING, examinations=OVER).build()
    )


def test_one_step_that_throws_the_weights_away_is_enough() -> None:
    """After it, units are dead and nothing moves."""
    adam = replace(RUN, optimizer="adam")
    trace = failed(run=adam, loss=np.r_[2.3, np.full(9, 1e4), np.full(190, 2.3)]).build()
    trace.series["update.ratio"].values[:] = 0.0
    trace.series["update.ratio"].values[0] = 30.0

    assert findings(trace) == {"learning_rate_too_large": "critical"}


def test_steps_that_only_grow_during_the_run_are_not_its_cause() -> None:
    trace = throwing(failed(loss=SWINGING))
    trace.series["update.ratio"].values[0] = 1e-3

    assert findings(trace) == {"unstable_training": "critical"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(network(examinations=OVER).build(), id="a residual network that learns"),
        pytest.param(
            failed(depth=20, gains={"linear": 0.5}, examinations=OVER, loss=CLIMBING).build(), id="exploding"
        ),
        pytest.param(failed(examinations=examined(best_step_ratio=0.3)).build(), id="a suitable one"),
        pytest.param(
            failed(
                examinations=OVER, loss=CLIMBING, data_check=replace(DATA, feature_scale_ratio=4.0)
            ).build(),
            id="unscaled inputs",
        ),
        pytest.param(network(examinations=OVER, steps=0, evaluation=None).build(), id="not trained"),
    ],
)
def test_a_look_alike_is_not_blamed_on_the_learning_rate(trace: Trace) -> None:
    assert "learning_rate_too_large" not in findings(trace)
