"""The trainability grid, its rows turned into the prediction's features."""

import csv
import gzip
import math
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from workers.diagnosis.trainability.features import FEATURES, update_ratio

GRID = Path(__file__).parent / "data" / "trainability.csv.gz"
COLUMNS = (
    "depth", "act", "init", "arch", "seed", "opt", "lr", "acc", "loss_first", "loss_10", "loss_30",
    "ratio_first_last_delta", "ratio_max_min_abs_delta", "min_update_ratio", "med_update_ratio", "w_std",
    "act_gain", "feat_rms", "feat_erank", "logit_std", "sagemaker_rule", "w_lt_1e-2",
    "ratio_first_last_gw", "first_gnorm",
)  # fmt: skip
"""What is kept of the grid's columns."""
CLASSES = 10
LEARNED_FROM = 0.5
"""Accuracy from which a run has learned; chance is 0.1."""
MOMENTUM = 0.9
"""Of the grid's SGD."""
INPUT_RANK = 15.556
"""Participation ratio of 256 of the digits, standardised."""
NAIVE_RANGE, NAIVE_RANK = 1.6, 0.35
"""The best simple rule: more decades between the layers' gradients, or a smaller ratio of ranks, fails."""


@dataclass(frozen=True)
class Grid:
    """One entry per run."""

    values: dict[str, NDArray[np.float64]]
    """(runs,) of each feature, clipped."""
    failed: NDArray[np.bool_]
    """Whether the run did not learn."""
    failed_at_best: NDArray[np.bool_]
    """Whether no learning rate of this network, seed and optimizer learned."""
    cell: NDArray[np.str_]
    """Depth, activation, initialiser and architecture: runs of one cell are never split in validation."""
    network: NDArray[np.str_]
    """The cell, seed and optimizer."""
    adaptive: NDArray[np.bool_]
    naive_score: NDArray[np.float64]
    """Above 1: the simple rule predicts failure."""
    naive_range: NDArray[np.float64]
    vanishing_rule: NDArray[np.bool_]
    """SageMaker's: a layer's mean absolute gradient below 1e-7."""
    weight_rule: NDArray[np.bool_]
    """The 25 % rule: so many weights below 0.01."""
    weight_gradient_ratio: NDArray[np.float64]
    """log10 of the norm of the first layer's weight gradient over the last one's."""
    first_weight_gradient: NDArray[np.float64]
    """log10 of the norm of the first layer's weight gradient."""

    def matrix(self, features: tuple[str, ...]) -> NDArray[np.float64]:
        """(runs, features)"""
        return np.column_stack([self.values[name] for name in features])

    def one_per_network(self) -> NDArray[np.intp]:
        """The first run of each network."""
        return np.sort(np.unique(self.network, return_index=True)[1])


def read_grid(path: Path = GRID) -> Grid:
    """The grid as a CSV, gzipped or not."""
    with gzip.open(path, "rt") if path.suffix == ".gz" else path.open() as file:
        return _grid(list(csv.DictReader(file)))


def features_of(row: dict[str, str]) -> dict[str, float]:
    """A row's features, by name, clipped."""
    adaptive, rate = row["opt"] == "adam", float(row["lr"])
    change = float(row["ratio_first_last_delta"])
    updates = {"typical_update": "med_update_ratio", "smallest_update": "min_update_ratio"}
    found = {
        "attenuation": max(0.0, -change),
        "amplification": max(0.0, change),
        "rank_ratio": _number(row["feat_erank"]) / INPUT_RANK,
        "depth": math.log2(float(row["depth"])),
        "adaptive": float(adaptive),
        "activation_gain": _number(row["act_gain"]),
        "output_scale": _number(row["logit_std"]),
        "feature_scale": _number(row["feat_rms"]),
    }
    for name, column in updates.items():  # the grid has gradient / weights of plain gradient descent
        if adaptive:
            found[name] = math.log10(rate) - float(row["w_std"])
        else:
            found[name] = math.log10(update_ratio(rate, MOMENTUM, 1.0, 1.0)) + float(row[column])
    for step in ("10", "30"):
        loss = _number(row[f"loss_{step}"], math.inf)
        found[f"loss_ratio_{step}"] = _log(loss / float(row["loss_first"]))
        found[f"loss_{step}"] = _log(loss / math.log(CLASSES))
    return {name: feature.clipped(found[name]) for name, feature in FEATURES.items()}


def _number(written: str, missing: float = math.nan) -> float:
    value = float(written) if written else missing
    return missing if math.isnan(value) else value


def _log(ratio: float) -> float:
    return math.log(max(ratio, 1e-6)) if math.isfinite(ratio) else math.inf


def _grid(rows: list[dict[str, str]]) -> Grid:
    features = [features_of(row) for row in rows]
    accuracy = np.array([_number(row["acc"], 0.0) for row in rows])
    cell = np.array(["/".join(row[c] for c in ("depth", "act", "init", "arch")) for row in rows])
    network = np.array([f"{c}/{row['seed']}/{row['opt']}" for c, row in zip(cell, rows, strict=True)])
    best: dict[str, float] = defaultdict(float)
    for name, value in zip(network, accuracy, strict=True):
        best[name] = max(best[name], value)
    spread = np.array([_number(row["ratio_max_min_abs_delta"]) for row in rows])
    rank = np.array([max(_number(row["feat_erank"]) / INPUT_RANK, 1e-9) for row in rows])
    return Grid(
        values={name: np.array([row[name] for row in features]) for name in FEATURES},
        failed=accuracy < LEARNED_FROM,
        failed_at_best=np.array([best[name] < LEARNED_FROM for name in network]),
        cell=cell,
        network=network,
        adaptive=np.array([row["opt"] == "adam" for row in rows]),
        naive_score=np.maximum(spread / NAIVE_RANGE, NAIVE_RANK / rank),
        naive_range=spread,
        vanishing_rule=np.array([float(row["sagemaker_rule"]) > 0 for row in rows]),
        weight_rule=np.array([float(row["w_lt_1e-2"]) > 0.25 for row in rows]),
        weight_gradient_ratio=np.array([float(row["ratio_first_last_gw"]) for row in rows]),
        first_weight_gradient=np.array([float(row["first_gnorm"]) for row in rows]),
    )
