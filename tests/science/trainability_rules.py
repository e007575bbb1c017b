"""What others foretell a failure by, on the grid's networks with SGD: a row of the table for each."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import f1_score, roc_auc_score

from tests.science.trainability_grid import NAIVE_RANGE, NAIVE_RANK, Grid
from tests.science.trainability_theory import foreseen

Scores = NDArray[np.float64]
COLLAPSED = 0.1
"""Two samples' distance at the last layer over that of the inputs, below which theory foretells that they
become alike."""


@dataclass(frozen=True)
class Rule:
    """One way to foretell it, applied to some networks."""

    name: str
    says: NDArray[np.bool_]
    score: Scores | None = None
    """More of it: failure more likely; None for a rule that is only yes or no."""

    def quality(self, failed: NDArray[np.bool_]) -> tuple[float, float]:
        """AUC, NaN without a score, and F1."""
        area = float("nan") if self.score is None else float(roc_auc_score(failed, self.score))
        return area, float(f1_score(failed, self.says))


def rules(grid: Grid, networks: NDArray[np.intp]) -> Iterator[Rule]:
    """Each, applied to these networks (by their first run)."""
    naive, spread = grid.naive_score[networks], grid.naive_range[networks]
    yield Rule("range of log10‖δ‖ > 1.6 or ratio of ranks < 0.35", naive > 1, naive)
    yield Rule("range of log10‖δ‖ > 1.6", spread > NAIVE_RANGE, spread)
    yield from _of_theory(grid, networks)
    drop = -_largest_drop(grid)[networks]
    limit = _best_limit(drop, grid.failed_at_best[networks])
    yield Rule(
        f"best of three runs loses less than {-limit:.0%} of its loss by step 30 †", drop > limit, drop
    )
    yield Rule("mean absolute gradient < 1e-7 (SageMaker)", grid.vanishing_rule[networks])
    yield Rule("25 % of weights below 0.01", grid.weight_rule[networks])
    ratio, first = grid.weight_gradient_ratio[networks], grid.first_weight_gradient[networks]
    yield Rule("‖g_1‖/‖g_L‖ < 1e-3 and ‖g_1‖ < 1e-4 (AutoTrainer) ‡", (ratio < -3) & (first < -4), -ratio)


def _of_theory(grid: Grid, networks: NDArray[np.intp]) -> Iterator[Rule]:
    found = [_foreseen(cell) for cell in grid.cell[networks]]
    spread, rank, distance = (np.array(values) for values in zip(*found, strict=True))
    by_rank = np.maximum(spread / NAIVE_RANGE, NAIVE_RANK / np.maximum(rank, 1e-9))
    by_distance = np.maximum(spread / NAIVE_RANGE, np.log(np.maximum(distance, 1e-30)) / np.log(COLLAPSED))
    yield Rule("mean-field theory: range > 1.6", spread > NAIVE_RANGE, spread)
    yield Rule("mean-field theory: range > 1.6 or ratio of ranks < 0.35", by_rank > 1, by_rank)
    yield Rule(
        "mean-field theory: range > 1.6 or two samples' distance < 0.1 of the inputs' †",
        by_distance > 1,
        by_distance,
    )


def _foreseen(cell: str) -> tuple[float, float, float]:
    depth, activation, initialiser, architecture = cell.split("/")
    found = foreseen(int(depth), activation, initialiser, architecture)
    return found.norm_range, found.rank_ratio, found.distance_ratio


def _largest_drop(grid: Grid) -> Scores:
    """(runs,) share of its first loss that the best run of a run's network has lost by step 30."""
    drop = 1 - np.exp(grid.values["loss_ratio_30"])
    _, members = np.unique(grid.network, return_inverse=True)
    largest = np.full(members.max() + 1, -np.inf)
    np.maximum.at(largest, members, drop)
    found: Scores = largest[members]
    return found


def _best_limit(score: Scores, failed: NDArray[np.bool_]) -> float:
    """That gives the best F1 on these very networks."""
    limits: Sequence[float] = np.quantile(score, np.linspace(0.01, 0.99, 99)).tolist()
    return max(limits, key=lambda limit: float(f1_score(failed, score > limit)))
