"""Fit the trainability prediction to the grid, and say how good it is:
`python -m tests.science.trainability_fit` writes the model and docs/trainability.md again.

Validation: 5 folds; all runs of a cell (depth, activation, initialiser, architecture) are in one fold, so no
network is predicted by a model that has seen its like with another seed, optimizer or learning rate.
"""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.ensemble import HistGradientBoostingClassifier
from sklearn.model_selection import StratifiedGroupKFold

from tests.science.trainability_grid import Grid, read_grid
from workers.diagnosis.trainability import trees
from workers.diagnosis.trainability.features import DIGITS, ENSEMBLES, FEATURES

FOLDS = 5
REPEATS = 5
SETTINGS: dict[str, Any] = {
    "max_iter": 90, "max_depth": 5, "learning_rate": 0.1, "min_samples_leaf": 40,
    "l2_regularization": 2.0, "early_stopping": False, "random_state": 0,
}  # fmt: skip
COPIES = 3
"""Each run is learned from as it is and with its features shifted so often, as another batch shifts them."""
SHIFTS = {
    "attenuation": 0.03, "amplification": 0.05, "rank_ratio": 0.15, "activation_gain": 0.01,
    "output_scale": 0.08, "feature_scale": 0.05, "loss_ratio_10": 0.08, "loss_10": 0.08,
    "loss_ratio_30": 0.08, "loss_30": 0.08,
}  # fmt: skip
"""Standard deviations; that of `rank_ratio` is relative."""
UPDATE_SHIFT, UPDATE_SPREAD = 0.15, 0.05
"""Of the updates: of both together, and of each."""
MODEL = Path(trees.__file__).with_name("model.json")

Probabilities = NDArray[np.float64]


@dataclass(frozen=True)
class Task:
    """One thing to predict."""

    name: str
    features: tuple[str, ...]
    rows: NDArray[np.intp]
    failed: NDArray[np.bool_]

    def matrix(self, grid: Grid) -> NDArray[np.float64]:
        return grid.matrix(self.features)[self.rows]


def tasks(grid: Grid) -> dict[str, Task]:
    """By name of the ensemble that answers it."""
    every, networks = np.arange(len(grid.failed)), grid.one_per_network()
    found = {}
    for name, features in ENSEMBLES.items():
        rows = networks if name == "network_0" else every
        failed = grid.failed if name.startswith("plan") else grid.failed_at_best
        found[name] = Task(name, features, rows, failed[rows])
    return found


def fit(task: Task, inputs: NDArray[np.float64], failed: NDArray[np.bool_]) -> HistGradientBoostingClassifier:
    """Fitted to the runs and to COPIES of them that are slightly shifted: a job's batch is not the grid's."""
    directions = [FEATURES[name].direction for name in task.features]
    generator = np.random.default_rng(0)
    more = np.concatenate([inputs, *(shifted(inputs, task.features, generator) for _ in range(COPIES))])
    model = HistGradientBoostingClassifier(**SETTINGS, monotonic_cst=directions)
    return model.fit(more, np.tile(failed, COPIES + 1))


def shifted(
    inputs: NDArray[np.float64], names: tuple[str, ...], generator: np.random.Generator
) -> NDArray[np.float64]:
    """The same runs as another batch may measure them. What is zero by definition stays zero."""
    found, rows = inputs.copy(), len(inputs)
    common = generator.normal(size=rows) * UPDATE_SHIFT
    for column, name in enumerate(names):
        values, noise = found[:, column], generator.normal(size=rows)
        if name in {"typical_update", "smallest_update"}:
            values = values + common + UPDATE_SPREAD * noise
        elif name == "rank_ratio":
            values = values * np.exp(SHIFTS[name] * noise)
        elif name in {"attenuation", "amplification"}:
            values = np.where(values == 0, 0.0, values + SHIFTS[name] * noise)
        elif name in SHIFTS:
            values = values + SHIFTS[name] * noise
        found[:, column] = np.round(np.clip(values, FEATURES[name].low, FEATURES[name].high), DIGITS)
    return found


def cross_validated(grid: Grid, task: Task, repeat: int = 0) -> Probabilities:
    """Each row's probability of failure by the model that has not seen its cell."""
    inputs, predicted = task.matrix(grid), np.empty(len(task.rows))
    folds = StratifiedGroupKFold(FOLDS, shuffle=True, random_state=repeat)
    for train, test in folds.split(inputs, task.failed, grid.cell[task.rows]):
        predicted[test] = fit(task, inputs[train], task.failed[train]).predict_proba(inputs[test])[:, 1]
    return predicted


def exported(task: Task, model: HistGradientBoostingClassifier) -> dict[str, Any]:
    """As `workers.diagnosis.trainability.trees` reads it."""
    trees = [_written(stage[0].nodes, 0) for stage in model._predictors]
    return {
        "features": task.features,
        "base": _short(float(np.ravel(model._baseline_prediction)[0])),
        "trees": trees,
    }


def _written(nodes: Any, index: int) -> Any:
    node = nodes[index]
    if node["is_leaf"]:
        return _short(float(node["value"]))
    low, high = int(node["left"]), int(node["right"])
    share = int(nodes[low]["count"]) / int(node["count"])
    threshold = round(float(node["num_threshold"]), DIGITS + 2)
    return [int(node["feature_idx"]), threshold, _short(share), _written(nodes, low), _written(nodes, high)]


def _short(value: float) -> float:
    return float(f"{value:.4g}")


def models(grid: Grid) -> Iterator[tuple[Task, HistGradientBoostingClassifier]]:
    for task in tasks(grid).values():
        yield task, fit(task, task.matrix(grid), task.failed)


def main() -> None:
    from tests.science.trainability_report import write_report

    grid = read_grid()
    ensembles = {task.name: exported(task, model) for task, model in models(grid)}
    document = {"settings": SETTINGS | {"copies": COPIES}, "ensembles": ensembles}
    MODEL.write_text(json.dumps(document, separators=(",", ":")) + "\n", encoding="utf-8")
    trees.fitted.cache_clear()
    write_report(grid)


if __name__ == "__main__":
    main()
