"""Slow convergence, and what looks like it."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from tests.unit.diagnosis.traces import AT_CHANCE, DATA, POOR, RUN, examined, findings, network
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


def test_a_slow_fall_is_seen_through_the_noise_of_batches() -> None:
    """Between the middle third and the last, it drowns."""
    noise = np.random.default_rng(0).normal(0, 0.06, 200)

    assert findings(slow(loss=np.linspace(2.4, 2.28, 200) + noise)) == {"slow_convergence": "warning"}


def test_networks_that_begin_like_it_speak_for_it_where_32_samples_do_not() -> None:
    """Sixty steps are few for some."""
    unfinished = examined(best_step_ratio=2.0, overfit_ratio=0.2)

    assert findings(slow(examinations=unfinished)) == {"slow_convergence": "warning"}
    collapsed = examined(best_step_ratio=2.0, overfit_ratio=0.2, feature_rank=1.2)
    assert "slow_convergence" not in findings(slow(depth=60, examinations=collapsed))


def short_steps(learning_rate: float = 1e-4, **changes: Any) -> Trace:
    """With Adam, whose steps are as long as the learning rate."""
    adam = replace(RUN, optimizer="adam", learning_rate=learning_rate)
    trace = slow(run=adam, examinations=examined(best_step_ratio=4.0, **changes))
    trace.series["update.ratio"].values[:] *= 0.3
    return trace


def test_adam_is_judged_by_the_way_that_its_steps_can_go_and_by_what_longer_ones_do() -> None:
    assert findings(short_steps(overfit_ratio=0.2)) == {"slow_convergence": "warning"}
    assert "slow_convergence" not in findings(short_steps(overfit_ratio=0.8))
    assert "slow_convergence" not in findings(short_steps(learning_rate=1e-3))


NOISY_TARGETS = replace(DATA, neighbour_score=0.25)
HAS_FALLEN = np.r_[np.linspace(2.5, 2.1, 66), np.full(134, 2.1)]


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(slow(examinations=examined(best_step_ratio=0.2)), id="longer steps would not help"),
        pytest.param(slow(gains={"activation": -0.6}), id="vanishing gradients"),
        pytest.param(slow(loss=np.geomspace(2.3, 0.5, 200)), id="a loss that falls well"),
        pytest.param(slow(steps=50, loss=CREEPING[:50]), id="too few steps"),
        pytest.param(slow(examinations=()), id="not examined"),
        pytest.param(slow(run=replace(RUN, momentum=0.9)), id="momentum makes the steps long"),
        pytest.param(slow(loss=HAS_FALLEN), id="a fall that has ended"),
        pytest.param(slow(evaluation=POOR, data_check=NOISY_TARGETS), id="as good as the neighbours"),
        pytest.param(network(loss=CREEPING).build(), id="learned well"),
    ],
)
def test_a_look_alike_is_not_called_slow(trace: Trace) -> None:
    assert "slow_convergence" not in findings(trace)
