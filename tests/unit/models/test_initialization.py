"""Each initialiser has the statistics that it is known for."""

import math
from collections.abc import Callable

import pytest
import torch
from torch import Tensor

from service.contract.layers.initializers import INITIALIZERS
from tests.unit.models.requests import HEAD, Written, network, spec, synthetic

FAN_IN, FAN_OUT = 300, 200

UNIFORM, NORMAL = math.sqrt(3.0), 4.0
"""Largest entry over standard deviation: exactly, for a uniform distribution; at least, for a normal one."""

SPREADS: list[tuple[Written, float, float]] = [
    ({"name": "torch_default"}, 1 / math.sqrt(3 * FAN_IN), UNIFORM),
    ({"name": "xavier_uniform"}, math.sqrt(2 / (FAN_IN + FAN_OUT)), UNIFORM),
    ({"name": "xavier_uniform", "gain": 3.0}, 3 * math.sqrt(2 / (FAN_IN + FAN_OUT)), UNIFORM),
    ({"name": "xavier_normal"}, math.sqrt(2 / (FAN_IN + FAN_OUT)), NORMAL),
    ({"name": "xavier_normal", "gain": 3.0}, 3 * math.sqrt(2 / (FAN_IN + FAN_OUT)), NORMAL),
    ({"name": "he_uniform"}, math.sqrt(2 / FAN_IN), UNIFORM),
    ({"name": "he_normal"}, math.sqrt(2 / FAN_IN), NORMAL),
    ({"name": "he_normal", "gain": 1.0}, math.sqrt(1 / FAN_IN), NORMAL),
    ({"name": "lecun_normal"}, math.sqrt(1 / FAN_IN), NORMAL),
    ({"name": "normal"}, 1.0, NORMAL),
    ({"name": "normal", "std": 0.01}, 0.01, NORMAL),
]


def weight(init: object) -> Tensor:
    layer = {"op": "linear", "units": FAN_OUT, "init": init}
    return network(spec(layer, HEAD), synthetic(FAN_IN)).get_parameter("0.weight").detach()


@pytest.mark.parametrize(("init", "std", "tail"), SPREADS, ids=str)
def test_spread_and_tail_are_as_published(init: Written, std: float, tail: float) -> None:
    values = weight(init)
    assert float(values.std()) == pytest.approx(std, rel=0.02)
    assert abs(float(values.mean())) < 0.02 * std
    largest = float(values.abs().max()) / std
    assert largest == pytest.approx(tail, rel=0.001) if tail == UNIFORM else largest > tail


EXACT: list[tuple[Written, Callable[[Tensor], bool]]] = [
    ({"name": "zeros"}, lambda w: bool((w == 0).all())),
    ({"name": "constant", "value": -5.0}, lambda w: bool((w == -5).all())),
    ({"name": "uniform"}, lambda w: 0 <= float(w.min()) < 0.001 < 0.999 < float(w.max()) <= 1),
    ({"name": "uniform", "low": 2.0, "high": 4.0}, lambda w: abs(float(w.mean()) - 3) < 0.01),
    ({"name": "normal", "mean": 7.0, "std": 0.1}, lambda w: abs(float(w.mean()) - 7) < 0.01),
    (
        {"name": "orthogonal", "gain": 2.0},
        lambda w: torch.allclose(w @ w.T, 4 * torch.eye(FAN_OUT), atol=1e-4),
    ),
    ({"name": "identity", "gain": 2.0}, lambda w: torch.equal(w, 2 * torch.eye(FAN_OUT, FAN_IN))),
]


@pytest.mark.parametrize(("init", "holds"), EXACT, ids=[str(init) for init, _ in EXACT])
def test_values_are_as_asked(init: Written, holds: Callable[[Tensor], bool]) -> None:
    assert holds(weight(init))


def test_every_initialiser_is_tested() -> None:
    tested = {init["name"] for init, *_ in (*SPREADS, *EXACT)}
    assert tested == {kind.model_fields["name"].default for kind in INITIALIZERS}


def test_a_name_alone_means_its_defaults() -> None:
    assert torch.equal(weight("he_normal"), weight({"name": "he_normal"}))


def test_a_convolution_counts_its_kernel_into_the_fan_in() -> None:
    layer = {"op": "conv2d", "channels": 400, "kernel_size": 5, "init": "he_normal"}
    built = network(spec(layer, {"op": "flatten"}, HEAD), synthetic(8, 6, 6))
    assert float(built.get_parameter("0.weight").detach().std()) == pytest.approx(
        math.sqrt(2 / 200), rel=0.02
    )


def test_biases_follow_the_fan_in_unless_asked_otherwise() -> None:
    layer = {"op": "linear", "units": FAN_OUT}
    default = network(spec(layer, HEAD), synthetic(FAN_IN)).get_parameter("0.bias").detach()
    assert float(default.std()) == pytest.approx(1 / math.sqrt(3 * FAN_IN), rel=0.1)
    asked = {**layer, "bias_init": {"name": "constant", "value": -50.0}}
    assert (network(spec(asked, HEAD), synthetic(FAN_IN)).get_parameter("0.bias") == -50.0).all()


def test_the_projections_of_attention_have_a_fan_out_of_their_own() -> None:
    layer = {"op": "attention", "heads": 4, "init": "xavier_normal", "bias_init": "zeros"}
    built = network(spec(layer, {"op": "flatten"}, HEAD), synthetic(3, 128))
    stacked = built.get_parameter("0.query_key_value.weight").detach()
    assert float(stacked.std()) == pytest.approx(math.sqrt(2 / 256), rel=0.02)
    assert (built.get_parameter("0.query_key_value.bias") == 0).all()


def test_embeddings_are_standard_normal_by_default() -> None:
    data = synthetic(5, vocabulary=1000)
    built = network(spec({"op": "embedding", "units": 32}, {"op": "flatten"}, HEAD), data)
    table = built.get_parameter("0.weight").detach()
    assert table.shape == (1000, 32)
    assert float(table.std()) == pytest.approx(1.0, rel=0.02)


def test_an_identity_kernel_passes_its_input_on() -> None:
    layer = {"op": "conv2d", "channels": 4, "init": "identity", "bias": False}
    built = network(spec(layer, {"op": "flatten"}, HEAD), synthetic(4, 5, 5))
    inputs = torch.randn(2, 4, 5, 5)
    assert torch.allclose(built.get_submodule("0")(inputs), inputs)


def test_each_gate_has_an_identity_of_its_own() -> None:
    layer = {"op": "recurrent", "cell": "gru", "units": 3, "recurrent_init": "identity"}
    built = network(spec(layer, HEAD), synthetic(5, 2))
    recurrent = built.get_parameter("0.kernel.weight_hh_l0")
    assert torch.equal(recurrent, torch.eye(3).repeat(3, 1))
