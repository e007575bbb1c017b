"""Recurrent layers: the unrolled loop, the gates' biases."""

import math
from typing import Any

import pytest
import torch
from torch import Tensor

from tests.unit.models.requests import FLATTEN, HEAD, Written, network, spec, synthetic
from workers.models.recurrent import Recurrent

CELLS: list[Written] = [
    {"cell": "rnn"},
    {"cell": "rnn", "nonlinearity": "relu"},
    {"cell": "lstm"},
    {"cell": "lstm", "bias": False},
    {"cell": "gru"},
    {"cell": "gru", "bias": False},
]


def recurrent(time: int = 9, features: int = 3, units: int = 5, **fields: Any) -> Recurrent:
    layer = {"op": "recurrent", "units": units, "return": "sequence", **fields}
    module = network(spec(layer, FLATTEN, HEAD), synthetic(time, features)).get_submodule("0")
    assert isinstance(module, Recurrent)
    return module


def gradients(module: Recurrent, inputs: Tensor) -> list[Tensor]:
    """Outputs, then the gradients of the inputs and all parameters, of a loss over all steps."""
    inputs = inputs.clone().requires_grad_(True)
    outputs = module(inputs)
    loss = (outputs * torch.linspace(-1, 1, outputs.numel()).reshape(outputs.shape)).sum()
    return [outputs, *torch.autograd.grad(loss, [inputs, *module.parameters()])]


@pytest.mark.parametrize("fields", CELLS, ids=str)
@pytest.mark.parametrize("returns", ["last", "sequence"])
def test_the_unrolled_loop_equals_the_fused_kernel(fields: Written, returns: str) -> None:
    module = recurrent(**{**fields, "return": returns})
    inputs = torch.randn(4, 9, 3)
    fused = gradients(module, inputs)
    module.time_tap = lambda _: None
    unrolled = gradients(module, inputs)
    for one, other in zip(fused, unrolled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize("fields", CELLS, ids=str)
def test_the_tap_is_given_the_state_of_every_step_as_part_of_the_graph(fields: Written) -> None:
    module = recurrent(**fields)
    tapped: list[Tensor] = []
    module.time_tap = tapped.extend
    outputs = module(torch.randn(4, 9, 3))
    assert torch.equal(torch.stack(tapped, dim=1), outputs)
    reaching = torch.autograd.grad(outputs[:, -1].sum(), tapped)
    assert all(float(gradient.norm()) > 0 for gradient in reaching)


def test_the_gradient_at_a_step_takes_all_paths_from_it() -> None:
    """∂ Σ_t h_t / ∂h_s of a single unit, against the recurrence that the chain rule gives."""
    module = recurrent(time=4, units=1)
    weight = float(module.weights()[1].detach())
    tapped: list[Tensor] = []
    module.time_tap = tapped.extend
    outputs = module(torch.zeros(1, 4, 3))
    expected = 0.0
    by_hand: list[float] = []
    for state in reversed(tapped):  # h_t = tanh(a_t): dh_{t+1}/dh_t = w (1 − h_{t+1}²)
        by_hand.append(1.0 + expected)
        expected = by_hand[-1] * weight * (1.0 - float(state.detach()) ** 2)
    measured = [float(g) for g in torch.autograd.grad(outputs.sum(), tapped)]
    assert measured == pytest.approx(by_hand[::-1], rel=1e-4)


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_both_biases_together_are_the_requested_forget_bias(cell: str) -> None:
    first, second = recurrent(cell=cell, forget_bias=1.5).biases()
    assert first is not None and second is not None  # noqa: PT018
    assert torch.equal((first + second)[5:10], torch.full((5,), 1.5))  # the second gate: forget, or update
    assert (first + second)[:5].std() > 0  # the others stay as PyTorch makes them


def test_chrono_spreads_the_time_scales_of_an_lstm_over_the_sequence() -> None:
    first, second = recurrent(time=100, units=2000, cell="lstm", forget_bias="chrono").biases()
    assert first is not None and second is not None  # noqa: PT018
    write, keep, *_ = (first + second).detach().chunk(4)
    assert torch.equal(write, -keep)
    spans = keep.exp()
    assert float(spans.min()) >= 1.0 and float(spans.max()) <= 99.0 * (1 + 1e-6)  # noqa: PT018
    assert float(spans.mean()) == pytest.approx(50.0, rel=0.05)  # of U(1, 99)


def test_chrono_sets_the_update_gate_of_a_gru_alone() -> None:
    first, second = recurrent(time=100, units=500, cell="gru", forget_bias="chrono").biases()
    assert first is not None and second is not None  # noqa: PT018
    reset, keep, candidate = (first + second).detach().chunk(3)
    assert float(keep.exp().mean()) == pytest.approx(50.0, rel=0.1)
    assert max(float(reset.abs().max()), float(candidate.abs().max())) < 2.0 / math.sqrt(500)


def test_a_chrono_lstm_keeps_its_memory() -> None:
    """Measured as the gradient that the last state sends back to the first step."""

    def reach(forget_bias: str | None) -> float:
        module = recurrent(time=60, units=32, cell="lstm", forget_bias=forget_bias)
        tapped: list[Tensor] = []
        module.time_tap = tapped.extend
        outputs = module(torch.randn(8, 60, 3))
        first, last = torch.autograd.grad(outputs[:, -1].sum(), [tapped[0], tapped[-1]])
        return math.log10(float(first.norm() / last.norm()))

    assert reach("chrono") > reach(None) + 5


def test_each_gate_is_initialised_by_itself() -> None:
    module = recurrent(
        units=6, cell="lstm", recurrent_init="orthogonal", init={"name": "constant", "value": 0.5}
    )
    weight_ih, weight_hh = (w.detach() for w in module.weights())
    assert torch.equal(weight_ih, torch.full((24, 3), 0.5))
    for gate in weight_hh.chunk(4):
        torch.testing.assert_close(gate @ gate.T, torch.eye(6), atol=1e-5, rtol=0)


def test_a_bias_initialiser_gives_the_sum_of_both_biases() -> None:
    first, second = recurrent(cell="gru", bias_init={"name": "constant", "value": -2.0}).biases()
    assert first is not None and second is not None  # noqa: PT018
    assert torch.equal(first + second, torch.full((15,), -2.0))
