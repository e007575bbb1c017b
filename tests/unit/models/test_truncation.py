"""Truncated backpropagation through time: the outputs stay, the gradient stops."""

from typing import cast

import pytest
import torch

from tests.unit.models.requests import HEAD, network, spec, synthetic
from workers.models.recurrent import Recurrent

TIME = 7


def recurrent(cell: str, truncate: int | None) -> Recurrent:
    layer = {"op": "recurrent", "cell": cell, "units": 4, "return": "last"}
    module = cast("Recurrent", network(spec(layer, HEAD), synthetic(TIME, 3)).get_submodule("0"))
    module.truncate_time = truncate
    return module


def reached(module: Recurrent, inputs: torch.Tensor) -> list[bool]:
    """Which steps of the input get a gradient from the last output."""
    given = inputs.clone().requires_grad_()
    module(given).sum().backward()
    assert given.grad is not None
    return [bool(step.abs().sum() > 0) for step in given.grad.unbind(1)]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
@pytest.mark.parametrize("truncate", [1, 3, 6, 7, 100])
def test_the_gradient_reaches_just_the_last_steps_and_the_outputs_stay(cell: str, truncate: int) -> None:
    inputs = torch.randn(2, TIME, 3)
    short, full = recurrent(cell, truncate), recurrent(cell, None)
    assert torch.allclose(short(inputs), full(inputs), atol=1e-6)
    assert reached(short, inputs) == [TIME - step <= truncate for step in range(TIME)]


@pytest.mark.parametrize("cell", ["rnn", "lstm", "gru"])
def test_the_unrolled_loop_is_cut_at_the_same_steps(cell: str) -> None:
    inputs = torch.randn(2, TIME, 3)
    module = recurrent(cell, 3)
    fused, before = module(inputs), reached(module, inputs)
    module.time_tap = lambda _hidden: None
    assert torch.allclose(module(inputs), fused, atol=1e-6)
    assert reached(module, inputs) == before
