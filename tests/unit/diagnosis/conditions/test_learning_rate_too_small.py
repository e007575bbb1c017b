"""A learning rate that is too small, and what looks like it."""

from dataclasses import replace

import numpy as np
import pytest

from tests.unit.diagnosis.traces import RUN, TraceBuilder, examined, failed, findings, network
from workers.diagnosis import diagnose
from workers.probes.trace import Series, Trace

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


def barely_moved(builder: TraceBuilder, each_step: float = 1e-6) -> Trace:
    trace = builder.build()
    trace.series["update.ratio"].values[:] = each_step
    return trace


def test_steps_that_together_change_nothing_are_enough_where_the_network_can_learn() -> None:
    able = examined(line_search_gain=0.01)
    unable = examined(line_search_gain=0.01, overfit_ratio=0.6, feature_rank=1.2)

    assert findings(barely_moved(failed(examinations=able))) == {"learning_rate_too_small": "critical"}
    deep = failed(depth=60, examinations=unable)
    assert "learning_rate_too_small" not in findings(barely_moved(deep))


def test_adam_needs_no_more_than_its_path() -> None:
    """Its steps are as long as the learning rate, even where the gradient has vanished."""
    adam = failed(depth=20, gains={"activation": -0.6}, run=replace(RUN, optimizer="adam"))

    assert findings(barely_moved(adam))["learning_rate_too_small"] == "critical"
    assert "learning_rate_too_small" not in findings(barely_moved(adam, each_step=1e-3))


def test_a_run_that_had_no_time_is_not_blamed_for_a_short_path() -> None:
    trace = barely_moved(failed(steps=50, examinations=examined(line_search_gain=0.01)))

    assert "learning_rate_too_small" not in findings(trace)


@pytest.mark.parametrize(("each_step", "told"), [(1e-7, True), (5e-5, False)])
def test_a_loss_that_falls_by_more_than_the_weights_can_have_moved_fell_by_chance(
    each_step: float, told: bool
) -> None:
    """Of single batches of a regression, two easily differ by as much."""
    falling = failed(loss=np.linspace(1.14, 0.99, 200), examinations=examined(line_search_gain=0.01))
    assert ("learning_rate_too_small" in findings(barely_moved(falling, each_step))) is told


def test_one_long_step_is_a_long_path() -> None:
    trace = barely_moved(failed())
    trace.series["update.ratio"].values[0] = 0.5

    assert "learning_rate_too_small" not in findings(trace)


def test_clipping_is_named_where_it_makes_the_steps_short() -> None:
    clipped = barely_moved(failed(run=replace(RUN, clip_grad_norm=1e-5)))
    (found,) = diagnose(clipped, service_version="").findings

    assert found.condition == "learning_rate_too_small"
    assert found.remedies == ["gradient_clipping", "learning_rate"]
    assert "clip_grad_norm 1e-05 leaves 0.001 % of the gradient" in found.explanation
    assert {"clipped_to": 1e-5}.items() <= {e.measure: e.value for e in found.evidence}.items()


def test_momentum_makes_longer_steps_of_the_same_learning_rate() -> None:
    heavy = replace(RUN, momentum=0.99)

    assert findings(failed(run=heavy, examinations=examined(best_step_ratio=5.25)).build()) == {
        "learning_rate_too_small": "critical"
    }
    far = examined(best_step_ratio=4.0)
    assert "learning_rate_too_small" not in findings(failed(run=heavy, examinations=far).build())


def test_a_gradient_that_is_stopped_stops_adam_too() -> None:
    """Its steps are as long as the learning rate only where there is any gradient."""
    adam = barely_moved(failed(run=replace(RUN, optimizer="adam")), each_step=0.0)
    dead = np.full((20, len(adam.layers)), np.nan)
    dead[:, 4] = 1.0
    adam.series["activation.dead_units"] = Series(adam.series["update.ratio"].steps, dead)  # type: ignore[index]

    assert findings(adam) == {"dead_units": "critical"}
