"""Confidence that is compared with outcomes, rules that it is compared with, and data it was not made for."""

import math

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from service.contract.diagnosis import Diagnosis
from tests.science.calibration import BEYOND_THE_GRID, DOCUMENT, Claim, Comparison, formula_rows
from tests.science.calibration_cases import DIGITS, chosen_runs, predicted_by, read_cells
from tests.science.calibration_formulas import formulas
from tests.science.trainability_elsewhere_report import Outcome, read
from tests.science.trainability_networks import model_of, plan_of, trace_of
from tests.science.trainability_theory import foreseen
from tests.support.torch_threads import one_thread
from workers.diagnosis import diagnose
from workers.diagnosis.conditions import CONDITIONS
from workers.diagnosis.trainability import assess, trees
from workers.diagnosis.trainability.features import ENSEMBLES

__all__ = ["one_thread"]


def probed(depth: int, activation: str, initialiser: str, architecture: str = "plain") -> Diagnosis:
    """A network at initialisation."""
    model = model_of(depth, activation, initialiser, architecture)
    return diagnose(trace_of(model, DIGITS, plan_of("sgd", 0.01, steps=0)), service_version="test")


def test_a_network_that_will_likely_fail_is_not_called_healthy_before_training() -> None:
    diagnosis = probed(50, "leaky", "he")

    assert diagnosis.trainability is not None
    assert (diagnosis.trainability.at_best_learning_rate or 0) > 0.5
    assert diagnosis.verdict == "inconclusive"


def test_one_that_will_learn_is() -> None:
    diagnosis = probed(5, "tanh", "xavier")

    assert diagnosis.verdict == "healthy"
    assert diagnosis.findings[0].confidence > 0.9


def test_every_condition_tells_how_its_confidence_is_computed() -> None:
    assert {formula.condition for formula in formulas()} == {c.info.name for c in CONDITIONS}
    assert set(BEYOND_THE_GRID) <= {c.info.name for c in CONDITIONS}


def test_the_page_has_the_formulas_of_today() -> None:
    page = DOCUMENT.read_text(encoding="utf-8").splitlines()

    missing = [row for row in formula_rows() if row not in page]
    assert missing == [], "run: python -m tests.science.calibration"


def claimed(foretold: float, failed: int, of: int) -> Comparison:
    return Comparison.of([Claim("x", "critical", False, foretold, i < failed) for i in range(of)])


@pytest.mark.parametrize(
    ("comparison", "judgement"),
    [
        (claimed(0.9, 27, 30), "calibrated"),
        (claimed(0.9, 15, 30), "too sure"),
        (claimed(0.2, 27, 30), "not sure enough"),
        (claimed(0.9, 0, 5), "fewer than 20 cases"),
    ],
)
def test_confidence_is_judged_by_what_became_of_the_networks(comparison: Comparison, judgement: str) -> None:
    assert comparison.judgement == judgement


def test_every_cell_is_probed_and_a_quarter_of_them_trained_at_two_rates() -> None:
    cells = read_cells()
    runs = chosen_runs(cells)

    assert len(cells) == 448
    assert [cell for cell, _, steps in runs if steps == 0] == cells
    assert sum(steps > 0 for _, _, steps in runs) == 2 * len(cells) // 4
    assert all(cell.failed(cell.best_rate) <= cell.failed(rate) for cell, rate, _ in runs)


def test_a_diagnosis_rests_on_the_trees_that_it_is_lent() -> None:
    constant = {name: trees.Ensemble(features, 0.0, ()) for name, features in ENSEMBLES.items()}

    with predicted_by(constant):
        assert assess.predict({}, 0).probability == 0.5
    assert assess.predict({}, 0).probability != 0.5


@pytest.mark.parametrize(
    ("cell", "decades"),
    [
        ((20, "sigmoid", "xavier", "plain"), 12.02),
        ((20, "sigmoid", "he", "plain"), 9.59),
        ((20, "relu", "xavier", "plain"), 3.02),
        ((20, "relu", "he", "batchnorm"), 1.42),
        ((20, "sigmoid", "xavier", "layernorm"), 7.83),
    ],
)
def test_theory_foresees_the_oracles_decades(cell: tuple[int, str, str, str], decades: float) -> None:
    """Those of the oracle O8 count 20 layers, or 19 steps between them, and the first layer's own inputs."""
    assert foreseen(*cell).norm_range == pytest.approx(decades, abs=0.2 + 0.06 * decades)


def test_samples_become_alike_in_a_deep_rectifier_network_and_not_in_a_shallow_one() -> None:
    deep, shallow = (foreseen(depth, "relu", "he", "plain").distance_ratio for depth in (100, 2))

    assert deep < 0.02
    assert shallow > 0.4


def elsewhere() -> list[Outcome]:
    return [outcome for outcome in read() if outcome.features]


def test_on_other_data_thirty_steps_foretell_better_than_the_best_simple_rule() -> None:
    outcomes = elsewhere()
    failed = np.array([outcome.failed for outcome in outcomes])
    naive = np.array([outcome.naive_score for outcome in outcomes])
    foretold = np.array([outcome.probability(min(30, outcome.stage)) for outcome in outcomes])

    assert len(outcomes) > 90
    assert roc_auc_score(failed, foretold) > roc_auc_score(failed, naive) + 0.02
    assert f1_score(failed, foretold > 0.5) > f1_score(failed, naive > 1)


def test_on_other_data_the_initialisation_ranks_networks_as_well_as_the_rule_does() -> None:
    outcomes = elsewhere()
    failed = [outcome.failed for outcome in outcomes]

    initial = roc_auc_score(failed, [outcome.probability(0) for outcome in outcomes])
    assert initial > roc_auc_score(failed, [outcome.naive_score for outcome in outcomes]) - 0.02
    assert math.isfinite(initial)
