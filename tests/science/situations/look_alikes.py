"""Networks that look like those of `more_illnesses.py` and are well, by the rule of `healthy.py`."""

from collections.abc import Callable
from typing import Any

from tests.science.situations import more_data
from tests.science.situations import more_networks as networks
from tests.science.situations.expressible import DIGITS, plain, requested, spec
from tests.science.situations.healthy import template
from tests.science.situations.more_data import drawn, trained_on
from tests.science.situations.more_networks import IMAGES, TOKENS, steep
from tests.science.situations.situation import Job, Situation, well

HE: dict[str, Any] = {"init": "he_normal", "bias_init": "zeros"}
ADAM: dict[str, Any] = {"optimizer": "adam", "learning_rate": 3e-3}


def is_a_three(seed: int) -> Job:
    data = more_data.two_classes(more_data.real("digits"), lambda digit: digit == 3)
    return trained_on(data, template("mlp", **HE), seed, steps=300)


def is_below_three(seed: int) -> Job:
    data = more_data.two_classes(more_data.real("digits"), lambda digit: digit < 3)
    return trained_on(data, template("mlp", depth=2, activation="tanh"), seed, momentum=0.9, steps=200)


def _trained(layers_or_model: dict[str, Any], data: dict[str, Any] = DIGITS, **training: Any) -> Any:
    return lambda seed: requested(layers_or_model, seed, data, **training)


_NETWORKS: dict[str, tuple[Callable[[int], Job], str]] = {
    "one in ten is a 3, digits": (is_a_three, "class imbalance"),
    "three in ten are below 3, digits": (is_below_three, "class imbalance"),
    "small blocks, 30 deep, for a moment": (lambda s: networks.small_blocks(s, steps=120), "slow hardware"),
    "batch norm and shortcuts 20, tanh, digits": (
        _trained(template("mlp", depth=20, norm="batch", activation="tanh", residual=True), **ADAM),
        "exploding gradients",
    ),
    "relu 2, SGD at 0.5, digits": (
        _trained(template("mlp", depth=2, **HE), learning_rate=0.5), "too large a learning rate",
    ),
    "relu 3, SGD at 0.3, clipped to 0.5, digits": (
        _trained(template("mlp", depth=3, **HE), learning_rate=0.3, clip_grad_norm=0.5),
        "too large a learning rate",
    ),
    "gelu 2, bfloat16, digits": (
        _trained(template("mlp", depth=2, activation="gelu"), **ADAM, precision="bfloat16"),
        "numbers that are not finite",
    ),
    "tanh 2, octants": (
        lambda s: trained_on(
            drawn(more_data.octants, s), template("mlp", depth=2, activation="tanh"), s, **ADAM, steps=300
        ),
        "not learning",
    ),
    "cnn of kernel 3, rising or falling": (
        lambda s: trained_on(
            drawn(more_data.rising_or_falling, s), template("cnn", depth=2, channels=16), s, **ADAM, steps=300
        ),
        "not learning",
    ),
    "relu 2 × 256, wine, Adam": (
        _trained(template("mlp", depth=2, width=256), {"kind": "builtin", "name": "wine"}, **ADAM, steps=300),
        "overfitting",
    ),
    "relu 3, head of zeros, images": (
        lambda s: spec(
            [*plain(3, "relu", "he_normal")[:-1], {"op": "linear", "units": "targets", "init": "zeros"}],
            s, IMAGES,
        ),
        "poor initialisation",
    ),
    "tanh 2, weights × 3, digits": (
        lambda s: spec(plain(2, "tanh", steep(3.0)), s, learning_rate=0.05), "saturation",
    ),
    "relu 2, SGD at 0.05, 1000 steps, tokens": (
        _trained(template("mlp", depth=2, width=32, **HE), TOKENS, steps=1000), "slow convergence",
    ),
    "relu 2, iris as measured": (
        _trained(
            template("mlp", depth=2), {"kind": "builtin", "name": "iris", "standardize": False},
            **ADAM, steps=300,
        ),
        "unscaled inputs",
    ),
    "relu 3, 4 samples a step, digits": (
        _trained(template("mlp", **HE), learning_rate=0.02, batch_size=4, steps=600), "instability",
    ),
    "gelu 2, AdamW, decay 1, digits": (
        _trained(
            template("mlp", depth=2, activation="gelu"), optimizer="adamw", learning_rate=3e-3,
            weight_decay=1.0,
        ),
        "weights near zero",
    ),
}  # fmt: skip

LOOK_ALIKES: tuple[Situation, ...] = tuple(
    Situation(name, build, well(because=f"it learns, and well, though it looks like {sign}"))
    for name, (build, sign) in _NETWORKS.items()
)
