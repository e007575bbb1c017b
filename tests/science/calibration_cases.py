"""The cases that confidence is calibrated on: the grid's networks, built, probed and perhaps trained as a job
would, beside what became of their like in the grid."""

import csv
import gzip
import random
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from unittest.mock import patch

import numpy as np
from sklearn.model_selection import StratifiedGroupKFold

from service.contract.diagnosis import Diagnosis
from tests.science import trainability_fit as fitting
from tests.science.trainability_grid import GRID, LEARNED_FROM, read_grid
from tests.science.trainability_networks import STEPS, model_of, plan_of, trace_of
from workers.diagnosis import diagnose
from workers.diagnosis.trainability import assess
from workers.diagnosis.trainability.trees import Ensemble
from workers.probes.trace import Trace

DIGITS = {"kind": "builtin", "name": "digits"}
TRAINED_SHARE = 0.25
"""Share of the cells that are also trained."""
Ensembles = Mapping[str, Ensemble]


@dataclass(frozen=True)
class Cell:
    """A network of the grid with SGD, its first seed."""

    depth: int
    activation: str
    initialiser: str
    architecture: str
    accuracy: Mapping[float, float]
    """On held-out data in the grid, by learning rate."""

    @property
    def name(self) -> str:
        return f"{self.depth}/{self.activation}/{self.initialiser}/{self.architecture}"

    @property
    def best_rate(self) -> float:
        return max(self.accuracy, key=lambda rate: (self.accuracy[rate], -rate))

    def failed(self, learning_rate: float) -> bool:
        return self.accuracy[learning_rate] < LEARNED_FROM


@dataclass(frozen=True)
class Case:
    """A cell's network with a learning rate: what the grid says and what was diagnosed."""

    cell: Cell
    learning_rate: float
    steps: int
    diagnosis: Diagnosis

    @property
    def failed(self) -> bool:
        """In the grid, at this learning rate."""
        return self.cell.failed(self.learning_rate)


def read_cells() -> list[Cell]:
    """All cells, in the grid's order."""
    accuracy: dict[tuple[str, str, str, str], dict[float, float]] = defaultdict(dict)
    with gzip.open(GRID, "rt") as file:
        for row in csv.DictReader(file):
            if row["opt"] == "sgd" and row["seed"] == "0":
                key = (row["depth"], row["act"], row["init"], row["arch"])
                accuracy[key][float(row["lr"])] = float(row["acc"] or 0.0)
    return [
        Cell(int(depth), activation, initialiser, architecture, found)
        for (depth, activation, initialiser, architecture), found in accuracy.items()
    ]


def chosen_runs(cells: Sequence[Cell]) -> list[tuple[Cell, float, int]]:
    """Cell, learning rate, steps: each cell at initialisation and its best rate; a random part of them also
    trained, at that rate and at one of the others."""
    draw = random.Random(0)
    runs = [(cell, cell.best_rate, 0) for cell in cells]
    for cell in draw.sample(cells, round(TRAINED_SHARE * len(cells))):
        other = draw.choice([rate for rate in cell.accuracy if rate != cell.best_rate])
        runs += [(cell, cell.best_rate, STEPS), (cell, other, STEPS)]
    return runs


def trace_at(cell: Cell, learning_rate: float, steps: int, folder: Path) -> Trace:
    """Its trace: from the folder if it is there, else made and put there."""
    path = folder / f"{cell.name.replace('/', '_')}_{learning_rate:g}_{steps}.npz"
    if path.exists():
        return Trace.load(path)
    model = model_of(cell.depth, cell.activation, cell.initialiser, cell.architecture)
    trace = trace_of(model, DIGITS, plan_of("sgd", learning_rate, steps=steps))
    trace.save(path)
    return trace


def unseen_ensembles() -> Mapping[str, Ensembles]:
    """For each cell, the prediction's trees fitted without that cell: calibrated on what they were fitted on,
    they would look better than they are."""
    grid, by_cell = read_grid(), defaultdict[str, dict[str, Ensemble]](dict)
    for name, task in fitting.tasks(grid).items():
        inputs, cells = task.matrix(grid), grid.cell[task.rows]
        folds = StratifiedGroupKFold(fitting.FOLDS, shuffle=True, random_state=0)
        for train, test in folds.split(inputs, task.failed, cells):
            model = fitting.fit(task, inputs[train], task.failed[train])
            ensemble = Ensemble.of(fitting.exported(task, model))
            for cell in np.unique(cells[test]):
                by_cell[str(cell)][name] = ensemble
    return by_cell


@contextmanager
def predicted_by(ensembles: Ensembles) -> Iterator[None]:
    """While it lasts, diagnoses rest on these trees."""
    with patch.object(assess, "fitted", lambda: ensembles):
        yield


def cases(folder: Path) -> Iterator[Case]:
    """All of them, diagnosed by trees that have not seen the cell."""
    unseen = unseen_ensembles()
    for cell, learning_rate, steps in chosen_runs(read_cells()):
        trace = trace_at(cell, learning_rate, steps, folder)
        with predicted_by(unseen[cell.name]):
            yield Case(cell, learning_rate, steps, diagnose(trace, service_version="calibration"))
