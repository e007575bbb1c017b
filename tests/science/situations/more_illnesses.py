"""Networks with the illnesses that none of the 24 look-alikes has.

They were written down, with their truth, before the diagnosis was run on any of them, from what
docs/diagnoses.md says that an illness is. Data sets, depths, architectures and optimizers differ from those
that the rules were made with, where they can.
"""

from collections.abc import Callable
from typing import Any

from tests.science.situations import more_networks as networks
from tests.science.situations.expressible import DIGITS, plain, requested, spec
from tests.science.situations.healthy import template
from tests.science.situations.more_data import drawn, octants, rings
from tests.science.situations.more_networks import (
    CANCER,
    DIABETES,
    IMAGES,
    TOKENS,
    VECTORS,
    constant,
    convolutions,
    steep,
    straight,
)  # fmt: skip
from tests.science.situations.situation import Job, Situation, Truth, ill, well
from tests.science.situations.table import EITHER

SEEDS = 5
LONG = ("small blocks, 30 deep, 4 samples a step", "small GRU, 4 samples a step")
"""Take more than 3 s each, and get fewer seeds."""
LONG_SEEDS = 3


def asked(model: dict[str, Any], data: dict[str, Any] = DIGITS, **training: Any) -> Callable[[int], Job]:
    """A job that a request makes, by seed."""
    return lambda seed: requested(model, seed, data, **training)


def found(condition: str, because: str) -> Truth:
    return ill(condition, because=because, verdicts=EITHER)


MORE_ILLNESSES: tuple[Situation, ...] = (
    Situation(
        "highest tenth of diabetes, 1 hidden layer",
        networks.advanced_diabetes,
        found(
            "class_imbalance",
            "nine in ten are negative and the two overlap, so hardly any is called positive",
        ),
    ),
    Situation(
        "GRU, 8 % with a faint trend",
        networks.rare_trend,
        found(
            "class_imbalance",
            "the classes overlap so far that the rare one is never likelier; with as many of each, the "
            "same network tells them apart",
        ),
    ),
    Situation(
        "small blocks, 30 deep, 4 samples a step",
        networks.small_blocks,
        well(
            "compute_bound",
            because="it learns; a layer is two thousand operations of arithmetic, a microsecond's worth, and "
            "costs the call of several functions",
        ),
    ),
    Situation(
        "small GRU, 4 samples a step",
        networks.small_recurrence,
        well("compute_bound", because="40 time steps one after the other, of a few thousand operations each"),
    ),
    Situation(
        "relu batch norm 100, images",
        networks.deep_batch_norm,
        found("exploding_gradients", "batch normalisation without shortcuts multiplies it at each layer"),
    ),
    Situation(
        "relu RNN, orthogonal × 2, 64 steps",
        networks.growing_recurrence,
        found("exploding_gradients", "signal and gradient grow by about √2 at each time step"),
    ),
    Situation(
        "leaky relu 14, weights × 2, breast cancer",
        asked(
            template(
                "mlp", depth=14, activation="leaky_relu", init={"name": "normal", "std": 0.354},
                bias_init="zeros",
            ),
            CANCER, learning_rate=0.01, batch_size=32,
        ),
        found("exploding_gradients", "with twice He's weights it doubles at each of 13 layers"),
    ),
    Situation(
        "cnn 3, RMSprop at 0.5, images",
        lambda s: convolutions(
            s, IMAGES, depth=3, init="he_normal", bias_init="zeros",
            training={"optimizer": "rmsprop", "learning_rate": 0.5},
        ),
        found("learning_rate_too_large", "every step moves every weight by its size; at 0.003 it learns"),
    ),
    Situation(
        "transformer 2, Adam at 5, tokens",
        asked(
            template("transformer", depth=2, width=32), TOKENS, optimizer="adam", learning_rate=5.0, steps=150
        ),
        found("learning_rate_too_large", "every step moves every weight by more than its size"),
    ),
    Situation(
        "tanh 2, SGD at 3, diabetes",
        asked(
            template("mlp", depth=2, activation="tanh", init="xavier_normal"), DIABETES, learning_rate=3.0
        ),
        found("learning_rate_too_large", "the curvature allows a tenth of it; at 0.05 it learns"),
    ),
    Situation(
        "a missing value, breast cancer",
        networks.gap,
        found("non_finite", "one NaN in the inputs turns all weights into NaN as soon as it is drawn"),
    ),
    Situation(
        "logarithm of a relu, wine",
        networks.logarithm_of_zero,
        found("non_finite", "the output takes log 0 at the first step, whatever the gradients were"),
    ),
    Situation(
        "1 layer, activation forgotten, octants",
        lambda s: straight(drawn(octants, s), 1, s, learning_rate=0.1, steps=400),
        found("not_learning", "no plane separates the octants; gradients are sound"),
    ),
    Situation(
        "4 layers, activations forgotten, rings",
        lambda s: straight(drawn(rings, s), 4, s, optimizer="adam", learning_rate=3e-3, steps=300),
        found("not_learning", "four linear maps are one, and no line separates a ring from what it encloses"),
    ),
    Situation(
        "cnn of kernel 1, rising or falling",
        networks.order_blind,
        found("not_learning", "the mean over steps that are seen one by one does not know their order"),
    ),
    Situation(
        "gelu 2 × 256, 105 samples of much noise",
        networks.memorised_noise,
        found("overfitting", "it knows them by heart, and half of the rest"),
    ),
    Situation(
        "relu 3 × 256, diabetes, Adam",
        networks.memorised_diabetes,
        found("overfitting", "its error on the 309 training samples goes to nothing, and on others rises"),
    ),
    Situation(
        "gelu 3, equal weights, digits, AdamW",
        asked(
            template("mlp", depth=3, activation="gelu", init=constant(0.03), bias_init="zeros"),
            optimizer="adamw",
            learning_rate=3e-3,
        ),
        found("poor_initialization", "a layer's units stay copies of one: too few for ten classes"),
    ),
    Situation(
        "cnn 2, equal kernels, images",
        lambda s: convolutions(
            s, IMAGES, depth=2, init=constant(0.1), bias_init="zeros",
            training={"optimizer": "adam", "learning_rate": 3e-3},
        ),
        found("poor_initialization", "all channels stay copies of one"),
    ),
    Situation(
        "tanh 2, all weights zero, iris",
        asked(
            template("mlp", depth=2, activation="tanh", init="zeros", bias_init="zeros"),
            {"kind": "builtin", "name": "iris"}, momentum=0.9, steps=150,
        ),
        found("poor_initialization", "all units give zero, so that no weight moves"),
    ),
    Situation(
        "tanh 4, weights × 15, noisy vectors",
        lambda s: spec(plain(4, "tanh", steep(15.0)), s, VECTORS, learning_rate=0.01, steps=250),
        found("saturated_activations", "nearly all units are at -1 or 1, and stay there"),
    ),
    Situation(
        "cnn 3 tanh, weights × 15, images",
        lambda s: convolutions(
            s, IMAGES, depth=3, activation="tanh", init=steep(15.0),
            training={"learning_rate": 0.005, "steps": 200},
        ),
        found("saturated_activations", "nearly all channels are at -1 or 1 at every position"),
    ),
    Situation(
        "cnn 3, Adam at 1e-4, digits",
        lambda s: convolutions(
            s, DIGITS, depth=3, init="he_normal", bias_init="zeros",
            training={"optimizer": "adam", "learning_rate": 1e-4, "steps": 200},
        ),
        found("slow_convergence", "steps a thirtieth of those with which it learns in this time"),
    ),
    Situation(
        "tanh 2, SGD at 0.0005, noisy vectors",
        lambda s: spec(plain(2, "tanh", "xavier_normal"), s, VECTORS, learning_rate=5e-4, steps=200),
        ill(
            "slow_convergence", "learning_rate_too_small", verdicts=EITHER,
            because="steps a hundredth of those with which it learns in this time; the loss falls by a "
            "twentieth, so that either name is right (at first only the former counted)",
        ),
    ),
    Situation(
        "gelu 2, iris with one width in 0.1 µm",
        networks.micrometres,
        found("unscaled_inputs", "one feature is ten thousand times the others, and not the telling one"),
    ),
    Situation(
        "relu 3, digits with a timestamp, Adam",
        networks.timestamps,
        found("unscaled_inputs", "seconds since 1970 drown 64 pixels"),
    ),
    Situation(
        "tanh 3, momentum 0.998, noisy vectors",
        networks.heavy_ball,
        found("unstable_training", "the step is sound, and momentum makes 500 of it, past every minimum"),
    ),
    Situation(
        "cnn 3 elu, momentum 0.995, images",
        networks.heavy_images,
        found("unstable_training", "the step is sound, and momentum makes 200 of it"),
    ),
    Situation(
        "lstm, AdamW, decay 100, sequences",
        networks.decayed_recurrence,
        found("weights_near_zero", "each step takes a third off every weight, more than is added"),
    ),
    Situation(
        "cnn 2 gelu, decay 0.5, images",
        networks.decayed_images,
        found("weights_near_zero", "weight decay of a twentieth a step, made ten times as fast by momentum"),
    ),
)  # fmt: skip
