"""A spec that cannot work is refused with the layer and both shapes, and at once however large it is."""

import subprocess
import sys
from collections.abc import Callable
from typing import Any

import pytest
from pydantic import ValidationError

from service.contract import expansion
from service.contract.errors import InvalidRequestError
from service.contract.planning import SizeLimits
from tests.unit.models.requests import DIGITS, FLATTEN, HEAD, Written, plan, spec, synthetic

LINEAR: Written = {"op": "linear", "units": 64}
RELU: Written = {"op": "activation", "function": "relu"}
SEQUENCE = synthetic(20, 4)
IMAGE = synthetic(3, 8, 8)
TOKENS = synthetic(20, vocabulary=11)


def refusal(model: Written, data: Written = DIGITS, **training: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        plan(model, data, **training)
    return caught.value


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


def nested(op: str, depth: int, **fields: Any) -> Written:
    layer = LINEAR
    for _ in range(depth):
        layer = {"op": op, "layers": [layer], **fields}
    return layer


ABSURD: list[tuple[str, Written, str, str]] = [
    ("10^9 repeats", nested("repeat", 1, times=10**9), "/model/layers/1/times", "1,000,000,000 × 1 layers"),
    (
        "repeats of repeats of repeats",
        nested("repeat", 10, times=10**9),
        "/model/layers/1" + 9 * "/layers/0" + "/times",
        "the most is 2,048",
    ),
    (
        "16 harmless repeats that multiply",
        nested("repeat", 16, times=2),
        "/model/layers/1",
        "the most is 2,048",
    ),
    ("deep nesting", nested("residual", 100), "/model/layers/1" + 16 * "/layers/0" + "/layers", "16 deep"),
    ("10^18 parameters", {"op": "linear", "units": 10**9}, "/model/layers/1", "65,000,000,000 parameters"),
]


@pytest.mark.parametrize(
    ("layer", "pointer", "said"), [case[1:] for case in ABSURD], ids=[c[0] for c in ABSURD]
)
def test_absurd_sizes_are_refused_without_writing_them_out(
    layer: Written, pointer: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    planned = count_planned_layers(monkeypatch)
    error = refusal(spec(FLATTEN, layer, HEAD))
    assert error.pointer.startswith(pointer)
    assert said in error.detail
    assert planned() <= 2  # the flatten before it, and itself


def test_the_count_of_written_out_layers_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    planned = count_planned_layers(monkeypatch)
    plan(spec(FLATTEN, nested("repeat", 1, times=50), HEAD))
    assert planned() >= 52


def count_planned_layers(monkeypatch: pytest.MonkeyPatch) -> Callable[[], int]:
    """How many layers were written out, as a measure of work that a busy machine does not change."""
    made: list[str] = []
    original = expansion.PlannedLayer.__init__

    def counted(self: expansion.PlannedLayer, name: str, *args: Any, **fields: Any) -> None:
        made.append(name)
        original(self, name, *args, **fields)

    monkeypatch.setattr(expansion.PlannedLayer, "__init__", counted)
    return lambda: len(made)


def test_10_to_the_12_parameters_are_counted_and_refused() -> None:
    wide = {"op": "linear", "units": 10**6}
    error = refusal(spec(FLATTEN, wide, wide, HEAD))
    assert error.pointer == "/model/layers/2"
    assert "1,000,001,000,000 parameters" in error.detail


def test_many_layers_that_are_each_small_enough_are_too_many_parameters_together() -> None:
    thousand = {"op": "repeat", "times": 300, "layers": [{"op": "linear", "units": 1000}]}
    error = refusal(spec(FLATTEN, thousand, HEAD))
    assert error.pointer == "/model/layers/1/layers/0"
    assert "the most is 200,000,000" in error.detail


def test_attention_over_a_long_sequence_is_too_much_memory() -> None:
    long = synthetic(20_000, 4)
    error = refusal(spec({"op": "attention"}, FLATTEN, HEAD), long, batch_size=8)
    assert error.pointer == "/model/layers/0"
    assert "numbers in memory" in error.detail


def test_a_batch_too_large_for_the_network_is_blamed_on_the_batch() -> None:
    model = spec({"op": "recurrent", "cell": "lstm", "units": 1024}, HEAD)
    data = {"kind": "builtin", "name": "adding", "length": 1000}
    assert refusal(model, data, batch_size=4096).pointer == "/training/batch_size"
    assert plan(model, data, batch_size=64).output_shape == (1,)


def test_only_as_many_samples_as_there_are_count_as_a_batch() -> None:
    assert plan(spec(FLATTEN, HEAD), batch_size=65_536).output_shape == (10,)


def test_limits_can_be_set() -> None:
    model = spec(FLATTEN, {"op": "repeat", "times": 5, "layers": [LINEAR]}, HEAD)
    assert len(plan(model).layers) == 7
    with pytest.raises(InvalidRequestError, match="most is 6"):
        plan(model, limits=SizeLimits(layers=6))


INVALID: list[tuple[str, Written, str]] = [
    ("no layers", spec(), "at least 1 item"),
    ("a repeat of nothing", spec({"op": "repeat", "times": 3, "layers": []}), "at least 1 item"),
    ("zero times", spec({"op": "repeat", "times": 0, "layers": [LINEAR]}), "greater than or equal to 1"),
    ("a negative size", spec({"op": "linear", "units": -4}), "greater than or equal to 1"),
    ("a huge integer", spec({"op": "linear", "units": 10**400}), "less than or equal to"),
    ("a size as text", spec({"op": "linear", "units": "64"}), "'targets'"),
    ("a size as a truth value", spec({"op": "linear", "units": True}), "valid integer"),
    ("an unknown op", spec({"op": "convolution"}), "does not match any of the expected tags"),
    ("an unknown field", spec({**LINEAR, "width": 3}), "Extra inputs"),
    ("an unknown function", spec({"op": "activation", "function": "swish"}), "'silu'"),
    ("a slope of tanh", spec({"op": "activation", "function": "tanh", "negative_slope": 0.1}), "leaky_relu"),
    ("a gain of normal", spec({**LINEAR, "init": {"name": "normal", "gain": 2}}), "Extra inputs"),
    ("a std of xavier", spec({**LINEAR, "init": {"name": "xavier_normal", "std": 2}}), "Extra inputs"),
    ("a constant without its value", spec({**LINEAR, "init": "constant"}), "Field required"),
    ("an infinite std", spec({**LINEAR, "init": {"name": "normal", "std": float("inf")}}), "finite"),
    (
        "uniform upside down",
        spec({**LINEAR, "init": {"name": "uniform", "low": 2, "high": 1}}),
        "must not be above",
    ),
    ("a bias from a fan-in", spec({**LINEAR, "bias_init": "he_normal"}), "does not match"),
    ("a bias that is not there", spec({**LINEAR, "bias": False, "bias_init": "zeros"}), '"bias" is false'),
    ("a forget gate in a plain RNN", spec({"op": "recurrent", "units": 3, "forget_bias": 1}), "needs a gate"),
    (
        "relu in an LSTM",
        spec({"op": "recurrent", "cell": "lstm", "units": 3, "nonlinearity": "relu"}),
        "cell rnn",
    ),
    ("nesting beyond reason", spec(nested("residual", 3000)), "Recursion"),
]


@pytest.mark.parametrize(("model", "said"), [case[1:] for case in INVALID], ids=[case[0] for case in INVALID])
def test_what_is_not_even_a_spec_is_refused_by_its_type(model: Written, said: str) -> None:
    with pytest.raises(ValidationError) as caught:
        plan(model)
    assert said.lower() in str(caught.value).lower()


def test_a_request_survives_being_stored_with_its_defaults_filled_in() -> None:
    from service.contract.job import JobRequest

    layers = [
        {"op": "recurrent", "units": 3, "cell": "lstm", "return": "sequence", "forget_bias": "chrono"},
        {"op": "residual", "layers": [{"op": "linear", "units": 3, "bias": False}], "scale": {"learned": 0}},
        {"op": "activation", "function": "tanh"},
        FLATTEN,
        HEAD,
    ]
    request = JobRequest.model_validate({"model": spec(*layers), "data": SEQUENCE})
    assert JobRequest.model_validate_json(request.model_dump_json()) == request
    assert '"return":"sequence"' in request.model_dump_json()


def test_planning_needs_no_torch_and_no_numpy() -> None:
    code = "import sys, service.contract.planning; print(*{'torch', 'numpy', 'workers'} & set(sys.modules))"
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == ""
