"""How good the prediction is on data that it was not fitted on, beside the best simple rule."""

import csv
import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, f1_score, roc_auc_score

from tests.science.trainability_elsewhere import DATA, Run, failed
from tests.science.trainability_grid import NAIVE_RANGE, NAIVE_RANK
from workers.diagnosis.case import Case
from workers.diagnosis.trainability.assess import predict, stage_of
from workers.diagnosis.trainability.features import FEATURES
from workers.diagnosis.trainability.measure import NotMeasuredError, measured_features
from workers.probes.trace import Trace

MEASURED = Path(__file__).parent / "data" / "trainability_elsewhere.csv"
RESAMPLINGS = 2000
COLUMNS = {name: f"feature {name}" for name in FEATURES}


@dataclass(frozen=True)
class Outcome:
    """A run: what was measured at its beginning, and what became of it."""

    run: Run
    failed: bool
    norm_range: float
    """Decades between the largest and the smallest gradient at a layer, first step."""
    stage: int
    """Steps whose losses the prediction may see."""
    features: Mapping[str, float]
    """Empty where nothing can be foretold."""

    @property
    def naive_score(self) -> float:
        """Above 1: the simple rule predicts failure."""
        rank = self.features["rank_ratio"]
        collapse = NAIVE_RANK / max(rank, 1e-9) if math.isfinite(rank) else 0.0
        return max(self.norm_range / NAIVE_RANGE, collapse)

    def probability(self, stage: int) -> float:
        found = predict(self.features, stage).probability
        assert found is not None
        return found


def measured(run: Run, trace: Trace) -> Outcome:
    depth = Case(trace).depth
    assert depth is not None
    try:
        features = measured_features(trace)
    except NotMeasuredError:
        features = {}
    return Outcome(run, failed(trace), depth.initial.range, stage_of(trace), features)


def write(outcomes: Sequence[Outcome]) -> None:
    """What the report needs, so that it can be made again after a new fit."""
    with MEASURED.open("w", newline="", encoding="utf-8") as file:
        names = [f.name for f in fields(Run)]
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow([*names, "failed", "norm_range", "stage", *COLUMNS.values()])
        for outcome in outcomes:
            values = [f"{outcome.features.get(name, math.nan):.5g}" for name in FEATURES]
            numbers = [int(outcome.failed), f"{outcome.norm_range:.5g}", outcome.stage, *values]
            writer.writerow([*asdict(outcome.run).values(), *numbers])


def read() -> list[Outcome]:
    with MEASURED.open(encoding="utf-8") as file:
        return [_outcome(row) for row in csv.DictReader(file)]


def _outcome(row: dict[str, str]) -> Outcome:
    run = Run(
        int(row["number"]), row["data"], int(row["depth"]), row["activation"], row["initialiser"],
        row["architecture"], row["optimizer"], float(row["learning_rate"]),
    )  # fmt: skip
    features = {name: float(row[column]) for name, column in COLUMNS.items()}
    known = {} if all(math.isnan(value) for value in features.values()) else features
    return Outcome(run, row["failed"] == "1", float(row["norm_range"]), int(row["stage"]), known)


def elsewhere() -> str:
    """The rows of the table."""
    outcomes = [outcome for outcome in read() if outcome.features]
    rows = []
    for title in ("all", "SGD", "Adam", *DATA):
        chosen = [
            outcome
            for outcome in outcomes
            if title in {"all", outcome.run.data} or title.lower() == outcome.run.optimizer
        ]
        rows += [f"| {title} | {len(chosen)} | {row}" for row in _rows(chosen)]
    return "\n".join(rows)


def foretold_runs() -> int:
    """Runs for which there is a prediction."""
    return sum(bool(outcome.features) for outcome in read())


def not_foretold() -> int:
    """Those for which there is none."""
    return sum(not outcome.features for outcome in read())


def _rows(outcomes: Sequence[Outcome]) -> Iterator[str]:
    truth = np.array([outcome.failed for outcome in outcomes])
    naive = np.array([outcome.naive_score for outcome in outcomes])
    yield _row("range > 1.6 or ratio of ranks < 0.35", truth, naive, naive > 1, (naive > 1).astype(float))
    for title, stage in (("at initialisation", 0), ("after 30 steps", 30)):
        foretold = np.array([outcome.probability(min(stage, outcome.stage)) for outcome in outcomes])
        yield _row(f"`probability`, {title}", truth, foretold, foretold > 0.5, foretold)


def _row(
    title: str,
    truth: NDArray[np.bool_],
    score: NDArray[np.float64],
    says: NDArray[np.bool_],
    probability: NDArray[np.float64],
) -> str:
    low, high = _interval(truth, says)
    return (
        f"{truth.sum()} | {title} | {roc_auc_score(truth, score):.3f} | {f1_score(truth, says):.3f} "
        f"({low:.2f} to {high:.2f}) | {brier_score_loss(truth, probability):.3f} | {probability.mean():.2f} |"
    )


def _interval(truth: NDArray[np.bool_], says: NDArray[np.bool_]) -> tuple[float, float]:
    """95 % of F1 over resampled runs (Efron 1979)."""
    draw = np.random.default_rng(0).integers(len(truth), size=(RESAMPLINGS, len(truth)))
    both = (truth & says)[draw].sum(axis=1)
    found = 2 * both / np.maximum(truth[draw].sum(axis=1) + says[draw].sum(axis=1), 1)
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)
