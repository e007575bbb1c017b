"""Where shortcuts are put, and what stays outside them."""

import math
from typing import Any

import pytest

from service.contract.job import JobRequest
from tests.unit.remedies.catalog.requests import (
    FLATTEN,
    HEAD,
    LINEAR,
    SIGMOID,
    UPLOAD,
    Written,
    deep,
    images,
    job,
    layers_of,
    repeat,
    synthetic,
    template,
)
from workers.remedies.catalog import candidates

RELU: Written = {"op": "activation", "function": "relu"}
THREE: Written = {"op": "linear", "units": 3}
DROPOUT: Written = {"op": "dropout", "probability": 0.1}


def residual(request: JobRequest, variant: str = "plain") -> list[Any]:
    found = {candidate.variant: candidate.request for candidate in candidates("residual", request)}
    return layers_of(found[variant])


def block(*layers: Written, count: int = 1) -> Written:
    scale = {} if count == 1 else {"scale": 1 / math.sqrt(count)}
    return {"op": "residual", "layers": list(layers), **scale}


def without_op_defaults(layers: list[Any]) -> list[Any]:
    """What `exclude_defaults` leaves out of a layer's own name."""
    return [_written(layer) for layer in layers]


def _written(layer: Any) -> Any:
    inner = {"layers": without_op_defaults(layer["layers"])} if "layers" in layer else {}
    return {name: value for name, value in {**layer, **inner}.items() if name != "op"}


CASES: list[tuple[str, JobRequest, list[Written]]] = [
    (
        "the first iteration of a repeat, which takes the inputs, is written out",
        deep(depth=3),
        [LINEAR, SIGMOID, repeat(2, block(LINEAR, SIGMOID, count=2)), HEAD],
    ),
    (
        "a repeat whose iterations are all alike stays one",
        job(LINEAR, repeat(4, LINEAR, SIGMOID), HEAD),
        [LINEAR, repeat(4, block(LINEAR, SIGMOID, count=4)), HEAD],
    ),
    (
        "a flat list",
        job(LINEAR, SIGMOID, DROPOUT, LINEAR, {"op": "batch_norm"}, SIGMOID, HEAD),
        [LINEAR, SIGMOID, DROPOUT, block(LINEAR, {"op": "batch_norm"}, SIGMOID), HEAD],
    ),
    (
        "a last layer without activation stays outside, even if it keeps the shape",
        job(THREE, SIGMOID, THREE, SIGMOID, THREE),
        [THREE, SIGMOID, block(THREE, SIGMOID), THREE],
    ),
    (
        "activations before the weights belong to them",
        job(LINEAR, repeat(4, RELU, LINEAR), HEAD),
        [LINEAR, repeat(4, block(RELU, LINEAR, count=4)), HEAD],
    ),
    (
        "convolutions of images",
        images(),
        [
            {"op": "conv2d", "channels": 3}, RELU,
            block({"op": "conv2d", "channels": 3}, RELU),
            {"op": "global_avg_pool"}, HEAD,
        ],
    ),
    (
        "pooling and strides end a block",
        job({"op": "conv2d", "channels": 2}, RELU, {"op": "max_pool", "kernel_size": 4},
            {"op": "conv2d", "channels": 2, "stride": 2}, RELU, FLATTEN, HEAD, data=synthetic(2, 8, 8)),
        [block({"op": "conv2d", "channels": 2}, RELU), {"op": "max_pool", "kernel_size": 4},
         {"op": "conv2d", "channels": 2, "stride": 2}, RELU, FLATTEN, HEAD],
    ),
    (
        "a block that has a shortcut keeps it",
        job(LINEAR, block(LINEAR, SIGMOID), LINEAR, SIGMOID, HEAD),
        [LINEAR, block(LINEAR, SIGMOID), block(LINEAR, SIGMOID), HEAD],
    ),
    (
        "recurrent layers upon each other",
        job(repeat(3, {"op": "recurrent", "units": 2, "return": "sequence"}),
            {"op": "recurrent", "units": 2}, HEAD, data=synthetic(9, 2)),
        [repeat(3, block({"op": "recurrent", "units": 2, "return": "sequence"}, count=3)),
         {"op": "recurrent", "units": 2}, HEAD],
    ),
]  # fmt: skip


@pytest.mark.parametrize(
    ("request_", "expected"), [case[1:] for case in CASES], ids=[case[0] for case in CASES]
)
def test_shortcuts_go_around_what_keeps_the_shape(request_: JobRequest, expected: list[Written]) -> None:
    assert without_op_defaults(residual(request_)) == without_op_defaults(expected)


def test_rezero_has_a_learned_scale_that_starts_at_zero() -> None:
    assert residual(deep(depth=2), "rezero")[2]["scale"] == {"learned": 0.0}


def test_the_normalised_variants_normalise_inside_the_shortcut() -> None:
    inside = {v: residual(deep(depth=2), v)[2]["layers"] for v in ("batch_norm", "pre_norm")}
    ops = {variant: [sorted(layer) for layer in layers] for variant, layers in inside.items()}
    assert ops == {"batch_norm": [["units"], [], ["function"]], "pre_norm": [[], ["units"], ["function"]]}


@pytest.mark.parametrize("kind", ["mlp", "cnn", "rnn", "transformer"])
def test_a_template_on_uploaded_data_is_written_out_without_opening_the_file(kind: str) -> None:
    depth = {"depth": 3}
    for name in ("gradient_clipping", "layerwise_pretraining"):
        assert candidates(name, template(UPLOAD, template=kind, **depth))
    if kind in {"mlp", "cnn"}:
        first, *_ = candidates("residual", template(UPLOAD, template=kind, **depth))
        assert "2 layers" in first.description


def test_the_head_and_the_activation_identity_are_left_alone() -> None:
    identity: Written = {"op": "activation", "function": "identity"}
    (found,) = candidates("relu", job(LINEAR, identity, LINEAR, SIGMOID, HEAD))
    layers = layers_of(found.request)
    assert [layer.get("function") for layer in layers] == [None, "identity", None, "relu", None]
    assert ["init" in layer for layer in layers] == [True, False, True, False, False]
