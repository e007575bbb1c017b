"""Forward collapse, and what looks like it."""

from dataclasses import replace

import pytest

from tests.unit.diagnosis.traces import RUN, examined, failed, findings, network
from workers.probes.trace import Trace

COLLAPSED = examined(feature_rank=1.2, overfit_ratio=0.63, feature_correlation=0.999)


def test_features_that_are_all_alike_are_critical_if_it_does_not_learn() -> None:
    assert findings(failed(depth=60, examinations=COLLAPSED).build()) == {"forward_collapse": "critical"}


def test_without_training_it_is_a_warning() -> None:
    trace = network(depth=60, examinations=COLLAPSED, steps=0, evaluation=None).build()

    assert findings(trace)["forward_collapse"] == "warning"


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(
            failed(depth=20, gains={"activation": -0.6}, examinations=COLLAPSED).build(), id="vanishing"
        ),
        pytest.param(network(depth=60, examinations=COLLAPSED).build(), id="it learned all the same"),
        pytest.param(failed(depth=3, examinations=COLLAPSED).build(), id="networks that begin so learn"),
        pytest.param(
            failed(depth=60, examinations=examined(feature_rank=1.2)).build(), id="a narrow network"
        ),
        pytest.param(failed(depth=60, examinations=examined(overfit_ratio=0.63)).build(), id="a full rank"),
        pytest.param(
            failed(
                depth=60,
                run=replace(RUN, optimizer="adam"),
                examinations=examined(feature_rank=3, overfit_ratio=0.4),
            ).build(),
            id="Adam",
        ),
        pytest.param(
            failed(depth=60, examinations=examined(input_rank=float("nan"), overfit_ratio=0.6)).build(),
            id="tokens",
        ),
    ],
)
def test_a_look_alike_is_not_called_collapsed(trace: Trace) -> None:
    assert "forward_collapse" not in findings(trace)
