"""The committed model is the fit of the committed grid, and beats every simple rule on cells it has not
seen."""

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score
from threadpoolctl import threadpool_limits

from tests.science.trainability_fit import cross_validated, fit, tasks
from tests.science.trainability_grid import NAIVE_RANGE, Grid, read_grid
from tests.science.trainability_report import calibration_error, smallest_per_network
from workers.diagnosis.trainability.trees import fitted

pytestmark = pytest.mark.timeout(300)  # dozens of fits


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """scikit-learn's threads spin while they wait for each other: on a busy machine for minutes."""
    with threadpool_limits(1):
        yield


@pytest.fixture(scope="module")
def grid() -> Grid:
    return read_grid()


@pytest.mark.parametrize("name", ["plan_0", "plan_30", "network_0", "network_30"])
def test_the_committed_trees_give_what_the_fit_gives(grid: Grid, name: str) -> None:
    task = tasks(grid)[name]
    inputs = task.matrix(grid)
    foretold = fit(task, inputs, task.failed).predict_proba(inputs)[:, 1]
    rows = range(0, len(inputs), 7)
    ours = np.array([fitted()[name].predict(list(inputs[row])).probability for row in rows])

    assert np.abs(ours - foretold[::7]).max() < 0.01
    assert np.abs(ours - foretold[::7]).mean() < 0.001


def test_it_beats_every_simple_rule_on_the_same_networks(grid: Grid) -> None:
    task = tasks(grid)["network_0"]
    sgd = ~grid.adaptive[task.rows]
    rows, failed = task.rows[sgd], task.failed[sgd]
    ours = cross_validated(grid, task)[sgd]
    rules = {
        "range or rank": grid.naive_score[rows] > 1,
        "range": grid.naive_range[rows] > NAIVE_RANGE,
        "mean gradient": grid.vanishing_rule[rows],
        "25 % of weights": grid.weight_rule[rows],
    }

    best = max(f1_score(failed, says) for says in rules.values())
    assert f1_score(failed, ours > 0.5) > best + 0.05
    assert roc_auc_score(failed, ours) > roc_auc_score(failed, grid.naive_score[rows]) + 0.04
    assert roc_auc_score(failed, ours) > 0.97


def test_thirty_steps_tell_more_than_the_initialisation(grid: Grid) -> None:
    early, initial = (cross_validated(grid, tasks(grid)[name]) for name in ("plan_30", "plan_0"))
    networks = grid.one_per_network()
    sgd = networks[~grid.adaptive[networks]]
    smallest = smallest_per_network(grid, early)[sgd]

    assert roc_auc_score(grid.failed, early) > roc_auc_score(grid.failed, initial) + 0.01
    assert f1_score(grid.failed_at_best[sgd], smallest > 0.5) > 0.92
    assert roc_auc_score(grid.failed_at_best[sgd], smallest) > 0.985


@pytest.mark.parametrize("name", ["plan_0", "plan_30", "network_0"])
def test_probabilities_are_calibrated_on_unseen_cells(grid: Grid, name: str) -> None:
    task = tasks(grid)[name]

    assert calibration_error(task.failed, cross_validated(grid, task)) < 0.04
