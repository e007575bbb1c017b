"""Class imbalance, and what looks like it."""

from dataclasses import replace

import pytest

from tests.unit.diagnosis.traces import AT_CHANCE, DATA, failed, findings, network
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


def test_a_network_that_learned_well_is_healthy() -> None:
    assert findings(network(data_check=IMBALANCED).build()) == {"class_imbalance": "note", "healthy": "note"}
