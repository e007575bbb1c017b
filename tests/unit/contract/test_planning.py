"""A spec that cannot work is refused with the layer and both shapes, and at once however large it is."""

import subprocess
import sys

import pytest

from tests.unit.contract.refusals import LINEAR, refusal
from tests.unit.models.requests import DIGITS, FLATTEN, HEAD, Written, plan, spec, synthetic

RELU: Written = {"op": "activation", "function": "relu"}
SEQUENCE = synthetic(20, 4)
IMAGE = synthetic(3, 8, 8)
TOKENS = synthetic(20, vocabulary=11)


def test_shapes_names_and_sizes_of_the_article_case() -> None:
    block = [{"op": "linear", "units": 64}, {"op": "activation", "function": "sigmoid"}]
    planned = plan(spec(FLATTEN, {"op": "repeat", "times": 20, "layers": block}, HEAD))
    assert [layer.name for layer in planned.layers[:3]] == ["0", "1.0.0", "1.0.1"]
    assert planned.layers[-2].name == "1.19.1"
    assert planned.parameters == 20 * 65 * 64 + 65 * 10
    assert planned.output_shape == (10,)
    assert planned.loss == "cross_entropy"


def test_the_expansion_shows_trainable_parameters() -> None:
    frozen = {**LINEAR, "trainable": False}
    expanded = plan(spec(FLATTEN, frozen, HEAD)).expanded()
    assert [(layer.op, layer.output_shape, layer.parameters) for layer in expanded.layers] == [
        ("flatten", [64], 0),
        ("linear", [64], 0),
        ("linear", [10], 650),
    ]
    assert expanded.parameters == 650


RESIDUAL_MISMATCH = (
    'residual at "1": the block maps (64,) to (32,); an identity shortcut needs equal shapes: '
    'add "shortcut": "projection" or end the block with 64 units'
)

MISFITS: list[tuple[str, Written, list[Written], str, str]] = [
    (
        "an identity shortcut over different shapes",
        DIGITS,
        [FLATTEN, {"op": "residual", "layers": [{"op": "linear", "units": 32}]}, HEAD],
        "/model/layers/1/layers",
        RESIDUAL_MISMATCH,
    ),
    ("linear on an image", IMAGE, [LINEAR, HEAD], "/model/layers/0", '{"op": "flatten"}'),
    ("conv2d on a vector", synthetic(5), [{"op": "conv2d", "channels": 2}], "/model/layers/0", "vector (5,)"),
    ("recurrent on an image", IMAGE, [{"op": "recurrent", "units": 3}], "/model/layers/0", "image (3, 8, 8)"),
    ("linear on tokens", TOKENS, [LINEAR, HEAD], "/model/layers/0", "embedding"),
    ("embedding of real numbers", SEQUENCE, [{"op": "embedding", "units": 3}], "/model/layers/0", "(20, 4)"),
    (
        "heads that do not divide the features",
        SEQUENCE,
        [{"op": "attention", "heads": 3}, HEAD],
        "/model/layers/0/heads",
        "3 heads do not divide the 4 features of (20, 4)",
    ),
    (
        "groups that do not divide the channels",
        IMAGE,
        [{"op": "conv2d", "channels": 4, "groups": 2}, HEAD],
        "/model/layers/0/groups",
        "2 groups must divide the 3 input and 4 output channels",
    ),
    (
        "a kernel larger than the image, inside a repeat",
        IMAGE,
        [
            {"op": "repeat", "times": 4, "layers": [{"op": "conv2d", "channels": 3, "padding": 0}]},
            FLATTEN,
            HEAD,
        ],
        "/model/layers/0/layers/0/kernel_size",
        'conv2d at "0.3.0": a kernel that spans 3 does not fit into 2 entries',
    ),
    (
        "same padding of an even kernel",
        SEQUENCE,
        [{"op": "conv1d", "channels": 4, "kernel_size": 4}, HEAD],
        "/model/layers/0/kernel_size",
        "needs an odd kernel, not 4",
    ),
    (
        "more padding than a pool can take",
        SEQUENCE,
        [{"op": "max_pool", "padding": 2}, HEAD],
        "/model/layers/0/padding",
        "at most half the window, 1",
    ),
    (
        "group norm of single values",
        synthetic(6),
        [{"op": "group_norm", "groups": 6}, HEAD],
        "/model/layers/0/groups",
        "single value",
    ),
    (
        "chrono over two steps",
        synthetic(2, 3),
        [{"op": "recurrent", "cell": "lstm", "units": 3, "forget_bias": "chrono"}, HEAD],
        "/model/layers/0/forget_bias",
        "(2, 3)",
    ),
    (
        "a projection from a sequence to a vector",
        SEQUENCE,
        [{"op": "residual", "shortcut": "projection", "layers": [FLATTEN]}, HEAD],
        "/model/layers/0/layers",
        "maps (20, 4) to (80,)",
    ),
    (
        "a projection that no stride can make",
        SEQUENCE,
        [{"op": "residual", "shortcut": "projection", "layers": [{"op": "max_pool", "stride": 1}]}, HEAD],
        "/model/layers/0/layers",
        "maps (20, 4) to (19, 4)",
    ),
    (
        "a wrong end",
        DIGITS,
        [FLATTEN, LINEAR],
        "/model/layers/1",
        "ends with (64,), but cross_entropy on 10 classes",
    ),
    ("a sequence as the end", SEQUENCE, [HEAD], "/model/layers/0", "ends with (20, 3)"),
    ("nothing to train", synthetic(3), [RELU], "/model/layers", "no layer has parameters"),
]


@pytest.mark.parametrize(
    ("data", "layers", "pointer", "said"), [case[1:] for case in MISFITS], ids=[case[0] for case in MISFITS]
)
def test_what_does_not_fit_is_named(data: Written, layers: list[Written], pointer: str, said: str) -> None:
    error = refusal(spec(*layers), data)
    assert error.pointer == pointer
    assert said in error.detail


def test_the_residual_message_says_what_to_do() -> None:
    block = {"op": "residual", "layers": [{"op": "linear", "units": 32}]}
    assert refusal(spec(FLATTEN, block, HEAD)).detail == RESIDUAL_MISMATCH


def test_batch_norm_on_a_vector_cannot_train_on_single_samples() -> None:
    model = spec(FLATTEN, {"op": "batch_norm"}, HEAD)
    assert refusal(model, batch_size=1).pointer == "/training/batch_size"
    assert plan(model, batch_size=2).output_shape == (10,)
    assert plan(spec({"op": "batch_norm"}, FLATTEN, HEAD), batch_size=1).output_shape == (10,)


LOSSES: list[tuple[Written, str, tuple[int, ...], str]] = [
    (DIGITS, "auto", (10,), "cross_entropy"),
    ({"kind": "builtin", "name": "diabetes"}, "auto", (1,), "mse"),
    ({"kind": "builtin", "name": "breast_cancer"}, "auto", (2,), "cross_entropy"),
    ({"kind": "builtin", "name": "breast_cancer"}, "bce_with_logits", (1,), "bce_with_logits"),
    (DIGITS, "bce_with_logits", (10,), "bce_with_logits"),
    (DIGITS, "mse", (10,), "mse"),
]


@pytest.mark.parametrize(("data", "loss", "shape", "resolved"), LOSSES)
def test_targets_stands_for_what_loss_and_data_need(
    data: Written, loss: str, shape: tuple[int, ...], resolved: str
) -> None:
    planned = plan(spec(FLATTEN, HEAD), data, loss=loss)
    assert (planned.output_shape, planned.loss) == (shape, resolved)


def test_two_classes_may_have_a_logit_each_under_binary_cross_entropy() -> None:
    data = {"kind": "builtin", "name": "breast_cancer"}
    planned = plan(spec({"op": "linear", "units": 2}), data, loss="bce_with_logits")
    assert planned.output_shape == (2,)
    error = refusal(spec({"op": "linear", "units": 3}), data, loss="bce_with_logits")
    assert "ends with (3,)" in error.detail
    assert "needs (1,) or (2,)" in error.detail


@pytest.mark.parametrize("loss", ["cross_entropy", "bce_with_logits"])
def test_a_loss_over_classes_needs_classes(loss: str) -> None:
    error = refusal(spec(HEAD), {"kind": "builtin", "name": "diabetes"}, loss=loss)
    assert error.pointer == "/training/loss"


def test_planning_needs_no_torch_and_no_numpy() -> None:
    code = "import sys, service.contract.planning; print(*{'torch', 'numpy', 'workers'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
