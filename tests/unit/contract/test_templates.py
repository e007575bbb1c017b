"""Templates: what they expand to, on all data that make sense for them."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from service.contract.errors import InvalidRequestError
from tests.unit.models.requests import DIGITS, Written, data_request, plan, synthetic
from workers.data import load_dataset
from workers.models import build_network


def template(name: str, **fields: Any) -> Written:
    return {"kind": "template", "template": name, **fields}


IRIS = {"kind": "builtin", "name": "iris"}
DIABETES = {"kind": "builtin", "name": "diabetes"}
PIXELS = {"kind": "builtin", "name": "sequential_digits"}
ADDING = {"kind": "builtin", "name": "adding", "length": 12, "samples": 40}
TOKENS = synthetic(10, vocabulary=7)

FITTING = [
    *(("mlp", data) for data in (DIGITS, IRIS, DIABETES, PIXELS, ADDING, TOKENS)),
    *(("cnn", data) for data in (DIGITS, PIXELS, ADDING, TOKENS)),
    *(("rnn", data) for data in (PIXELS, ADDING, TOKENS)),
    *(("transformer", data) for data in (PIXELS, ADDING, TOKENS)),
]


@pytest.mark.parametrize(("name", "data"), FITTING)
def test_a_template_works_on_its_data(name: str, data: Written) -> None:
    planned = plan(template(name), data)
    inputs = load_dataset(data_request(data), seed=0).train_inputs[:3]
    assert build_network(planned, seed=0)(inputs).shape == (3, *planned.output_shape)


@pytest.mark.parametrize(
    ("name", "data"), [("cnn", IRIS), ("rnn", DIGITS), ("rnn", IRIS), ("transformer", DIGITS)]
)
def test_a_template_that_makes_no_sense_for_the_data_is_refused(name: str, data: Written) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        plan(template(name), data)
    assert caught.value.pointer == "/model/template"
    assert name in caught.value.detail


def test_the_depth_of_an_mlp_counts_its_hidden_layers() -> None:
    for depth in (1, 2, 20):
        ops = [layer.op for layer in plan(template("mlp", depth=depth)).layers]
        assert ops.count("linear") == depth + 1
        assert ops.count("activation") == depth


def test_an_mlp_has_the_norm_the_shortcuts_and_the_dropout_asked_for() -> None:
    model = template("mlp", depth=3, norm="batch", residual=True, dropout=0.1, activation="tanh")
    ops = [layer.op for layer in plan(model).layers]
    block = ["linear", "batch_norm", "activation", "dropout"]
    assert ops == ["flatten", *block, *block, "residual", *block, "residual", "linear"]


def test_the_initialiser_reaches_all_weights_but_the_last_layers() -> None:
    planned = plan(template("mlp", depth=2, init={"name": "constant", "value": 0.25}, bias_init="zeros"))
    built = build_network(planned, seed=0)
    assert (built.get_parameter("1.1.0.weight") == 0.25).all()
    assert (built.get_parameter("1.1.0.bias") == 0).all()
    assert built.get_parameter("2.weight").std() > 0


def test_an_rnn_is_a_stack_whose_last_layer_returns_its_last_state() -> None:
    planned = plan(template("rnn", cell="gru", depth=3, units=5), ADDING)
    assert [layer.output.shape for layer in planned.layers] == [(12, 5), (12, 5), (5,), (1,)]


@pytest.mark.parametrize(("norm", "count"), [("pre", 5), ("post", 4), ("none", 0)])
def test_a_transformer_normalises_where_it_is_told(norm: str, count: int) -> None:
    ops = [layer.op for layer in plan(template("transformer", depth=2, norm=norm), TOKENS).layers]
    assert ops.count("layer_norm") == count
    assert ops.count("residual") == 4
    assert ops.count("attention") == 2


def test_a_transformer_with_positions_tells_orders_apart_and_without_does_not() -> None:
    def difference(positions: str) -> float:
        network = build_network(plan(template("transformer", width=8, positions=positions), TOKENS), seed=0)
        tokens = torch.arange(10).unsqueeze(0) % 7
        return float((network(tokens) - network(tokens.flip(1))).detach().abs().max())

    assert difference("none") < 1e-5
    assert difference("sinusoidal") > 1e-3
    assert difference("learned") > 1e-4


TOO_LARGE = [
    (template("mlp", depth=100_000), DIGITS, "/model/depth"),
    (template("mlp", width=10**9), DIGITS, "/model/width"),
    (template("cnn", channels=10**9), DIGITS, "/model/channels"),
    (template("cnn", kernel_size=4), DIGITS, "/model"),
    (template("rnn", units=10**9), ADDING, "/model/units"),
    (template("rnn", depth=10**9), ADDING, "/model/depth"),
    (template("transformer", width=10**9), TOKENS, "/model/width"),
    (template("mlp", norm="batch"), DIGITS, "/training/batch_size"),
]


@pytest.mark.parametrize(("model", "data", "pointer"), TOO_LARGE)
def test_a_refusal_points_to_the_field_of_the_template(model: Written, data: Written, pointer: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        plan(model, data, batch_size=1)
    assert caught.value.pointer == pointer


@pytest.mark.parametrize(
    "model",
    [
        template("mlp", depth=0),
        template("mlp", width=-1),
        template("rnn", cell="rnn", forget_bias=1.0),
        template("transformer", width=10, heads=4),
        template("resnet"),
    ],
    ids=str,
)
def test_a_template_with_impossible_fields_is_refused_by_its_type(model: Written) -> None:
    with pytest.raises(ValidationError):
        plan(model)
