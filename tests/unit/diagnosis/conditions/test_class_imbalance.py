"""Class imbalance, and what looks like it."""

from dataclasses import replace

import pytest

from tests.unit.diagnosis.traces import AT_CHANCE, DATA, examined, failed, findings, network
from workers.probes.trace import Trace

IMBALANCED = replace(DATA, largest_class_share=0.95)
MAJORITY = replace(AT_CHANCE, chance=0.9, after=0.9, after_on_training_data=0.9)


def test_a_network_that_names_only_the_largest_class_is_told_why() -> None:
    trace = failed(data_check=IMBALANCED, evaluation=MAJORITY).build()

    assert findings(trace) == {"class_imbalance": "critical"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(failed().build(), id="balanced classes"),
        pytest.param(failed(data_check=replace(DATA, largest_class_share=0.6)).build(), id="a little uneven"),
        pytest.param(
            failed(data_check=replace(DATA, largest_class_share=float("nan"))).build(), id="regression"
        ),
    ],
)
def test_a_look_alike_is_not_called_imbalanced(trace: Trace) -> None:
    assert "class_imbalance" not in findings(trace)


def test_where_the_gradient_vanishes_it_is_a_note() -> None:
    trace = failed(depth=20, gains={"activation": -0.6}, data_check=IMBALANCED).build()

    assert findings(trace) == {"vanishing_gradients": "critical", "class_imbalance": "note"}


def test_a_network_that_answers_at_random_errs_for_another_reason() -> None:
    random = replace(MAJORITY, after=0.5, largest_answer_share=0.5)

    found = findings(failed(data_check=IMBALANCED, evaluation=random).build())

    assert found["class_imbalance"] == "note"


def test_what_32_samples_hardly_hold_does_not_excuse_it() -> None:
    """Nor is it a collapse, as long as the samples' features differ."""
    narrow = examined(overfit_ratio=0.35, feature_rank=2.0, input_rank=30.0, feature_correlation=0.5)
    named = replace(MAJORITY, largest_answer_share=1.0)

    trace = failed(data_check=IMBALANCED, evaluation=named, examinations=narrow).build()

    assert findings(trace) == {"class_imbalance": "critical"}


def test_a_constant_answer_has_other_causes_too() -> None:
    alike = examined(overfit_ratio=0.9, feature_rank=1.1, input_rank=30.0, feature_correlation=0.99)

    trace = failed(depth=60, data_check=IMBALANCED, evaluation=MAJORITY, examinations=alike).build()

    assert findings(trace) == {"forward_collapse": "critical"}


def test_a_network_that_learned_well_is_healthy() -> None:
    assert findings(network(data_check=IMBALANCED).build()) == {"class_imbalance": "note", "healthy": "note"}
