"""The networks of `more_illnesses.py` and `look_alikes.py`, their data and their training."""

from typing import Any

from torch import Tensor, nn

from tests.science.situations import by_hand, more_data
from tests.science.situations.expressible import DIGITS, activation, linear, plain, requested, spec
from tests.science.situations.healthy import template
from tests.science.situations.more_data import drawn, trained_on
from tests.science.situations.situation import Job

Fields = dict[str, Any]
TOKENS: Fields = {"kind": "synthetic", "input_shape": [12], "vocabulary": 50, "classes": 4, "noise": 0.5}
IMAGES: Fields = {"kind": "synthetic", "input_shape": [1, 8, 8], "classes": 10, "noise": 0.5}
SEQUENCES: Fields = {"kind": "synthetic", "input_shape": [40, 4], "classes": 3, "noise": 0.5}
SHORT_SEQUENCES: Fields = SEQUENCES | {"input_shape": [10, 4]}
VECTORS: Fields = {"kind": "synthetic", "input_shape": [32], "classes": 10, "noise": 2.0}
SEQUENTIAL_DIGITS: Fields = {"kind": "builtin", "name": "sequential_digits"}
DIABETES: Fields = {"kind": "builtin", "name": "diabetes"}
CANCER: Fields = {"kind": "builtin", "name": "breast_cancer"}
WINE: Fields = {"kind": "builtin", "name": "wine"}


def constant(value: float) -> Fields:
    return {"name": "constant", "value": value}


def steep(gain: float) -> Fields:
    return {"name": "xavier_normal", "gain": gain}


class Logarithm(nn.Module):
    """log x, without the small number that keeps it from log 0."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.log()


def advanced_diabetes(seed: int) -> Job:
    data = more_data.real("diabetes")
    limit = data.train_targets.quantile(0.9)
    rare = more_data.two_classes(data, lambda progression: progression > limit)
    return trained_on(rare, template("mlp", depth=1, width=16), seed, momentum=0.9, learning_rate=0.02)


def rare_trend(seed: int) -> Job:
    model = template("rnn", cell="gru", units=16)
    data = drawn(more_data.faint_trend(0.08), seed)
    return trained_on(data, model, seed, optimizer="adam", learning_rate=3e-3)


def small_blocks(seed: int, steps: int = 1600) -> Job:
    model = template("mlp", depth=30, width=16, norm="layer", residual=True, activation="gelu")
    return requested(model, seed, DIGITS, optimizer="adam", learning_rate=1e-3, batch_size=4, steps=steps)


def small_recurrence(seed: int) -> Job:
    model = template("rnn", cell="gru", units=16)
    return requested(model, seed, SEQUENCES, optimizer="adam", learning_rate=3e-3, batch_size=4, steps=2500)


def gap(seed: int) -> Job:
    data = more_data.with_a_gap(more_data.real("breast_cancer"), sample=seed, feature=3)
    return trained_on(data, template("mlp", depth=2, activation="tanh"), seed, steps=150)


def logarithm_of_zero(seed: int) -> Job:
    layers = [linear(32, "he_normal"), activation("relu"), linear("targets"), activation("relu")]
    return by_hand.followed_by(spec(layers, seed, WINE, learning_rate=0.05, steps=120), Logarithm())


def straight(data: Any, depth: int, seed: int, **training: Any) -> Job:
    """A network without activation functions: whatever its depth, it is one linear map."""
    model = template("mlp", depth=depth, width=32, activation="identity", init="orthogonal")
    return trained_on(data, model, seed, **training)


def order_blind(seed: int) -> Job:
    model = template("cnn", depth=2, channels=16, kernel_size=1)
    data = drawn(more_data.rising_or_falling, seed)
    return trained_on(data, model, seed, optimizer="adam", learning_rate=3e-3, steps=300)


def memorised_noise(seed: int) -> Job:
    data = {"kind": "synthetic", "input_shape": [192], "classes": 4, "samples": 150, "noise": 8.0}
    model = template("mlp", depth=2, width=256, activation="gelu")
    return requested(model, seed, data, optimizer="adamw", learning_rate=1e-3, steps=300)


def memorised_diabetes(seed: int) -> Job:
    model = template("mlp", depth=3, width=256)
    return requested(model, seed, DIABETES, optimizer="adam", learning_rate=3e-3, steps=600)


def micrometres(seed: int) -> Job:
    data = more_data.with_inputs(more_data.real("iris", standardize=False), more_data.in_other_units(1, 1e4))
    return trained_on(
        data, template("mlp", depth=2, activation="gelu"), seed, optimizer="adam", learning_rate=1e-3
    )


def timestamps(seed: int) -> Job:
    data = more_data.with_inputs(more_data.real("digits"), more_data.with_timestamps)
    return trained_on(data, template("mlp", depth=3), seed, optimizer="adam", learning_rate=3e-3)


def convolutions(seed: int, data: Fields, **fields: Any) -> Job:
    training = {"learning_rate": 0.05, "steps": 150} | fields.pop("training")
    return requested(template("cnn", **{"channels": 16} | fields), seed, data, **training)


def deep_batch_norm(seed: int) -> Job:
    model = template("mlp", depth=100, norm="batch", activation="relu", init="he_normal")
    return requested(model, seed, IMAGES, learning_rate=0.1, steps=150)


def growing_recurrence(seed: int) -> Job:
    model = template("rnn", units=32, nonlinearity="relu", recurrent_init={"name": "orthogonal", "gain": 2.0})
    return requested(model, seed, SEQUENTIAL_DIGITS, learning_rate=0.01, steps=120)


def heavy_ball(seed: int) -> Job:
    noisy = VECTORS | {"noise": 4.0, "samples": 10_000}
    layers = plain(3, "tanh", "xavier_normal")
    return spec(layers, seed, noisy, learning_rate=0.05, momentum=0.998, steps=300)


def heavy_images(seed: int) -> Job:
    model = template("cnn", depth=3, channels=16, activation="elu")
    return requested(model, seed, IMAGES, learning_rate=0.1, momentum=0.995, steps=200)


def decayed_recurrence(seed: int) -> Job:
    model = template("rnn", cell="lstm", units=32)
    training = {"optimizer": "adamw", "learning_rate": 3e-3, "weight_decay": 100.0}
    return requested(model, seed, SHORT_SEQUENCES, steps=200, **training)


def decayed_images(seed: int) -> Job:
    training = {"learning_rate": 0.1, "weight_decay": 0.5, "momentum": 0.9, "steps": 200}
    return convolutions(seed, IMAGES, depth=2, activation="gelu", training=training)
