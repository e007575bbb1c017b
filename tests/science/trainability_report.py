"""Write docs/trainability.md and its figure: how good the prediction is, against simple rules."""

import math
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import brier_score_loss, f1_score, log_loss, roc_auc_score

from tests.science import trainability_fit as fitting
from tests.science.trainability_elsewhere_report import elsewhere, foretold_runs, not_foretold
from tests.science.trainability_grid import Grid
from tests.science.trainability_rules import rules
from workers.diagnosis.trainability.features import BY_STAGE, FEATURES

DOCS = Path(__file__).parents[2] / "docs"
BINS = np.linspace(0.0, 1.0, 11)

Mask = NDArray[np.bool_]


def scores(failed: Mask, probability: NDArray[np.float64]) -> dict[str, float]:
    return {
        "AUC": float(roc_auc_score(failed, probability)),
        "F1": float(f1_score(failed, probability > 0.5)),
        "Brier": float(brier_score_loss(failed, probability)),
        "log loss": float(log_loss(failed, np.clip(probability, 1e-6, 1 - 1e-6))),
    }


def reliability(failed: Mask, probability: NDArray[np.float64]) -> list[tuple[int, float, float, float]]:
    """For each tenth with any: rows, mean probability, observed share of failures, its standard error."""
    found = []
    for low, high in pairwise(BINS):
        inside = (probability >= low) & ((probability < high) | (high == BINS[-1]))
        n = int(inside.sum())
        if n:
            share = float(failed[inside].mean())
            found.append(
                (n, float(probability[inside].mean()), share, float(np.sqrt(share * (1 - share) / n)))
            )
    return found


def calibration_error(failed: Mask, probability: NDArray[np.float64]) -> float:
    """Mean distance between foretold and observed, weighted by rows."""
    bins = reliability(failed, probability)
    return sum(n * abs(foretold - observed) for n, foretold, observed, _ in bins) / len(failed)


def write_report(grid: Grid) -> None:
    predicted = {
        name: [fitting.cross_validated(grid, task, r) for r in range(fitting.REPEATS)]
        for name, task in fitting.tasks(grid).items()
    }
    page = _PAGE.format(
        networks=len(grid.one_per_network()),
        runs=len(grid.failed),
        cells=len(set(grid.cell)),
        repeats=fitting.REPEATS,
        folds=fitting.FOLDS,
        features="\n".join(_feature(name) for name in FEATURES),
        rules="\n".join(_rules(grid, predicted)),
        models="\n".join(_models(grid, predicted)),
        vanishing="\n".join(_vanishing(grid, predicted["network_0"][0])),
        reliability="\n".join(_reliability(grid, predicted)),
        copies=fitting.COPIES,
        elsewhere=elsewhere(),
        elsewhere_runs=foretold_runs(),
        not_foretold=not_foretold(),
        **fitting.SETTINGS,
    )
    (DOCS / "trainability.md").write_text(page, encoding="utf-8")
    curves = {
        "this plan, at initialisation": (grid.failed, predicted["plan_0"][0]),
        "this plan, after 30 steps": (grid.failed, predicted["plan_30"][0]),
        "at the best learning rate": (
            grid.failed_at_best[grid.one_per_network()],
            predicted["network_0"][0],
        ),
    }
    (DOCS / "trainability.svg").write_text(_figure(curves), encoding="utf-8")


def _feature(name: str) -> str:
    feature = FEATURES[name]
    since = min((stage for stage, names in BY_STAGE.items() if name in names), default=0)
    arrow = {1: "raises it", -1: "lowers it", 0: "either way"}[feature.direction]
    return f"| `{name}` | {feature.description} | {feature.low:g} … {feature.high:g} | {arrow} | {since} |"


def _row(name: str, values: Sequence[float]) -> str:
    return f"| {name} | " + " | ".join(f"{v:.3f}" if np.isfinite(v) else "–" for v in values) + " |"


def _rules(grid: Grid, predicted: dict[str, list[NDArray[np.float64]]]) -> list[str]:
    """The networks with SGD, as the published rules are compared."""
    chosen = grid.one_per_network()
    chosen = chosen[~grid.adaptive[chosen]]
    failed = grid.failed_at_best[chosen]
    initial = [p[~grid.adaptive[grid.one_per_network()]] for p in predicted["network_0"]]
    smallest = [smallest_per_network(grid, p)[chosen] for p in predicted["plan_30"]]
    return [
        _row("**`at_best_learning_rate`**, at initialisation", _mean_scores(failed, initial)),
        _row("smallest `probability` of three runs, 30 steps each", _mean_scores(failed, smallest)),
        *(_row(rule.name, [*rule.quality(failed), math.nan, math.nan]) for rule in rules(grid, chosen)),
    ]


def _mean_scores(failed: Mask, repeats: list[NDArray[np.float64]]) -> list[float]:
    each = [list(scores(failed, probability).values()) for probability in repeats]
    return [float(value) for value in np.mean(each, axis=0)]


def smallest_per_network(grid: Grid, probability: NDArray[np.float64]) -> NDArray[np.float64]:
    """(runs,) the smallest probability among the runs of each run's network: of its learning rates."""
    _, members = np.unique(grid.network, return_inverse=True)
    smallest = np.full(members.max() + 1, np.inf)
    np.minimum.at(smallest, members, probability)
    found: NDArray[np.float64] = smallest[members]
    return found


_TITLES = {
    "plan_0": "`probability`, at initialisation",
    "plan_10": "`probability`, after 10 steps",
    "plan_30": "`probability`, after 30 steps",
    "network_0": "`at_best_learning_rate`, at initialisation",
    "network_10": "`at_best_learning_rate`, after 10 steps",
    "network_30": "`at_best_learning_rate`, after 30 steps",
}


def _models(grid: Grid, predicted: dict[str, list[NDArray[np.float64]]]) -> list[str]:
    found = []
    for name, task in fitting.tasks(grid).items():
        adaptive = grid.adaptive[task.rows]
        for optimizer, chosen in (("SGD", ~adaptive), ("Adam", adaptive)):
            failed = task.failed[chosen]
            chosen_of = [p[chosen] for p in predicted[name]]
            errors = [calibration_error(failed, p) for p in chosen_of]
            numbers = [*_mean_scores(failed, chosen_of), float(np.mean(errors))]
            found.append(_row(f"{_TITLES[name]} | {optimizer} | {chosen.sum()}", numbers))
    return found


def _vanishing(grid: Grid, probability: NDArray[np.float64]) -> list[str]:
    """Foretold and observed failures by the decades that the gradient loses."""
    networks, found = grid.one_per_network(), []
    lost, failed, uses_adam = (
        grid.values["attenuation"][networks],
        grid.failed_at_best[networks],
        grid.adaptive[networks],
    )
    for low, high in ((0, 1), (1, 2), (2, 3), (3, 5), (5, 10), (10, 16)):
        cells = []
        for adaptive in (False, True):
            chosen = (lost >= low) & (lost < high) & (uses_adam == adaptive)
            foretold, observed = probability[chosen].mean(), failed[chosen].mean()
            cells += [f"{chosen.sum()}", f"{foretold:.2f}", f"{observed:.2f}"]
        found.append(f"| {low} to {high if high < 16 else 'more'} | " + " | ".join(cells) + " |")
    return found


def _reliability(grid: Grid, predicted: dict[str, list[NDArray[np.float64]]]) -> list[str]:
    found = []
    for name, task in fitting.tasks(grid).items():
        for n, foretold, observed, error in reliability(task.failed, predicted[name][0]):
            found.append(f"| {_TITLES[name]} | {n} | {foretold:.3f} | {observed:.3f} ± {error:.3f} |")
    return found


_COLORS = ("#1b6ca8", "#c1440e", "#3a7d44")
_SIZE, _LEFT, _TOP = 320, 60, 20


def _figure(curves: dict[str, tuple[Mask, NDArray[np.float64]]]) -> str:
    """Foretold probability against observed share, with 95 % intervals."""

    def x(value: float) -> float:
        return _LEFT + _SIZE * value

    def y(value: float) -> float:
        return _TOP + _SIZE * (1 - value)

    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_LEFT + _SIZE + 30}" height="{_TOP + _SIZE + 120}" '
        'font-family="sans-serif" font-size="12">',
        '<rect width="100%" height="100%" fill="white"/>',
        f'<rect x="{_LEFT}" y="{_TOP}" width="{_SIZE}" height="{_SIZE}" fill="none" stroke="#888"/>',
        f'<line x1="{x(0)}" y1="{y(0)}" x2="{x(1)}" y2="{y(1)}" stroke="#bbb" stroke-dasharray="4 4"/>',
    ]
    for tick in (0.0, 0.25, 0.5, 0.75, 1.0):
        parts.append(f'<text x="{x(tick)}" y="{y(0) + 16}" text-anchor="middle">{tick:g}</text>')
        parts.append(f'<text x="{x(0) - 6}" y="{y(tick) + 4}" text-anchor="end">{tick:g}</text>')
    parts.append(
        f'<text x="{x(0.5)}" y="{y(0) + 34}" text-anchor="middle">probability of failure foretold</text>'
    )
    parts.append(
        f'<text transform="translate(16 {y(0.5)}) rotate(-90)" text-anchor="middle">share that failed</text>'
    )
    for line, (title, (failed, probability)) in enumerate(curves.items()):
        color, points = _COLORS[line], reliability(failed, probability)
        path = " ".join(f"{x(p):.1f},{y(o):.1f}" for _, p, o, _ in points)
        parts.append(f'<polyline points="{path}" fill="none" stroke="{color}" stroke-width="1.5"/>')
        for _, foretold, observed, error in points:
            low, high = max(0.0, observed - 1.96 * error), min(1.0, observed + 1.96 * error)
            parts.append(
                f'<line x1="{x(foretold):.1f}" y1="{y(low):.1f}" x2="{x(foretold):.1f}" y2="{y(high):.1f}" '
                f'stroke="{color}"/>'
                f'<circle cx="{x(foretold):.1f}" cy="{y(observed):.1f}" r="3" fill="{color}"/>'
            )
        height = y(0) + 56 + 18 * line
        parts.append(f'<rect x="{x(0)}" y="{height - 9}" width="12" height="10" fill="{color}"/>')
        parts.append(f'<text x="{x(0) + 18}" y="{height}">{title}</text>')
    return "\n".join([*parts, "</svg>"]) + "\n"


_PAGE = (Path(__file__).parent / "data" / "trainability_page.md").read_text(encoding="utf-8")
