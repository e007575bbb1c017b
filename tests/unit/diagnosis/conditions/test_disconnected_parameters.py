"""Disconnected parameters, and what looks like them."""

import pytest

from tests.unit.diagnosis.traces import failed, findings, network, parameter
from workers.probes.trace import Trace

CUT = (parameter("1.0", reached=False), parameter("2.0"))


def test_parameters_without_any_gradient_are_a_warning_even_if_it_learns() -> None:
    assert findings(network(parameters=CUT).build()) == {"disconnected_parameters": "warning"}


def test_they_are_critical_if_it_does_not_learn() -> None:
    assert findings(failed(parameters=CUT).build()) == {"disconnected_parameters": "critical"}


@pytest.mark.parametrize(
    "trace",
    [
        pytest.param(
            network(parameters=(parameter("1.0", trained=False, reached=False),)).build(),
            id="frozen on purpose",
        ),
        pytest.param(
            network(parameters=(parameter("1.0", zero_at_start=True),)).build(), id="zero, not absent"
        ),
        pytest.param(
            failed(parameters=(parameter("1.0", zero_at_start=True, zero_later=True),)).build(),
            id="dead below",
        ),
        pytest.param(
            failed(depth=20, gains={"activation": -0.6}, parameters=(parameter("1.0"),)).build(),
            id="vanishing",
        ),
    ],
)
def test_a_look_alike_is_not_called_disconnected(trace: Trace) -> None:
    assert "disconnected_parameters" not in findings(trace)
