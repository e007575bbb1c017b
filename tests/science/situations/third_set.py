"""A third set of networks that no rule had seen: one for each illness or more, and healthy ones like them.

They were written from docs/diagnoses.md by someone who had not read the code of the rules and never ran the
diagnosis. Of each only losses, held-out scores, and gradients and activations measured by hand were looked
at, with seeds 7 and 8. An ill network does poorly, and the same network without the cause that is named
learns in as many steps; a healthy one learns well, or as well as its data allow.
"""

from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from tests.science.situations import by_hand, more_data
from tests.science.situations.expressible import activation, linear, requested, spec
from tests.science.situations.healthy import template
from tests.science.situations.more_data import Samples, classified, drawn, trained_on
from tests.science.situations.more_illnesses import asked, found
from tests.science.situations.more_networks import CANCER, DIABETES, constant
from tests.science.situations.situation import Job, Situation, well
from workers.data import Dataset

SEEDS = 3
Fields = dict[str, Any]

COLOURS: Fields = {"kind": "synthetic", "input_shape": [3, 8, 8], "classes": 6, "noise": 1.0}
MIXTURE: Fields = {"kind": "synthetic", "input_shape": [48], "classes": 12, "noise": 1.5}
SERIES: Fields = {"kind": "synthetic", "input_shape": [24, 6], "classes": 5, "noise": 1.5}
WORDS: Fields = {"kind": "synthetic", "input_shape": [16], "vocabulary": 40, "classes": 6, "noise": 1.0}
HE: Fields = {"init": "he_normal", "bias_init": "zeros"}


def ramps(draw: torch.Generator, samples: int) -> Samples:
    """Two series of 12 steps that both rise from -1 to 1 or both fall, with noise of 0.5."""
    rises = torch.randint(2, (samples,), generator=draw)
    ramp = torch.linspace(-1, 1, 12)[None, :, None] * (2 * rises - 1)[:, None, None]
    return ramp + 0.5 * torch.randn(samples, 12, 2, generator=draw), rises


def first_of(steps: int, draw: torch.Generator, samples: int) -> Samples:
    """Standard normal noise; a mark of ±2 stands at the first step only, and the class is its sign."""
    series = torch.randn(samples, steps, 1, generator=draw)
    positive = torch.randint(2, (samples,), generator=draw)
    marks = torch.zeros(samples, steps, 1)
    marks[:, 0, 0] = 4.0 * positive - 2.0
    return torch.cat([series, marks], 2), positive


def half_space(draw: torch.Generator, samples: int) -> Samples:
    """Normal vectors of 200; the class is the sign of the sum of ten entries."""
    vectors = torch.randn(samples, 200, generator=draw)
    return vectors, (vectors[:, :10].sum(1) > 0).long()


def rare_stripes(share: float, draw: torch.Generator, samples: int) -> Samples:
    """Noise of 6 × 6 pixels, and in a rare class stripes in it: the means are 1.1 apart."""
    rare = (torch.rand(samples, generator=draw) < share).long()
    stripes = 1.1 / 6 * torch.tensor([1.0, -1.0] * 3)
    images = torch.randn(samples, 1, 6, 6, generator=draw)
    return images + stripes * rare[:, None, None, None], rare


def friedman(seed: int, noise: float = 0.2, samples: int = 2000) -> Dataset:
    """Friedman's first function (1991) of five of ten numbers, standardised, and noise."""
    draw = torch.Generator().manual_seed(seed)

    def made(count: int) -> Samples:
        x = torch.rand(count, 10, generator=draw)
        y = 10 * torch.sin(torch.pi * x[:, 0] * x[:, 1]) + 20 * (x[:, 2] - 0.5) ** 2
        y = (y + 10 * x[:, 3] + 5 * x[:, 4] - 14.4) / 4.9
        return (x - 0.5) * 12**0.5, (y + noise * torch.randn(count, generator=draw))[:, None]

    train, test = made(samples), made(samples // 2)
    chance = float((test[1] - train[1].mean()).square().mean())
    return Dataset(*train, *test, task="regression", classes=None, chance=chance)


def on_friedman(model: Fields, seed: int, noise: float = 0.2, samples: int = 2000, **training: Any) -> Job:
    """Diabetes has as many inputs, so that it can stand in."""
    return by_hand.on(requested(model, seed, DIABETES, **training), friedman(seed, noise, samples))


def remembered(seed: int, **fields: Any) -> Job:
    data = drawn(lambda draw, samples: first_of(40, draw, samples), seed)
    model = template("rnn", **{"cell": "lstm", "units": 16} | fields)
    return trained_on(data, model, seed, optimizer="adam", learning_rate=0.01, steps=250)


def dead_channels(seed: int, low: float = -0.3) -> Job:
    negative = {"name": "uniform", "low": low, "high": 0.0} if low else "he_normal"
    layers: list[Fields] = []
    for init in ("he_normal", negative, "he_normal"):
        kernel = {"op": "conv2d", "channels": 12, "init": init, "bias_init": "zeros"}
        layers += [kernel, activation("relu")]
    layers += [{"op": "global_avg_pool"}, linear("targets")]
    return spec(layers, seed, COLOURS, optimizer="adam", learning_rate=3e-3, steps=150)


def striped(seed: int, share: float = 0.06) -> Job:
    data = drawn(lambda draw, samples: rare_stripes(share, draw, samples), seed, samples=4000)
    model = template("cnn", depth=2, channels=8, activation="silu")
    return trained_on(data, model, seed, optimizer="adamw", learning_rate=3e-3, steps=250)


def few_sentences(seed: int, kept: int = 70) -> Job:
    model = template("transformer", depth=1, width=32)
    words = WORDS | {"noise": 2.0}
    job = requested(model, seed, words, optimizer="adam", learning_rate=3e-3, batch_size=32, steps=150)
    return by_hand.on(job, more_data.first(job.dataset, kept))


def pixels_to_255(seed: int, largest: float = 255.0) -> Job:
    raw = more_data.real("digits", standardize=False)
    data = more_data.with_inputs(raw, lambda inputs: inputs / 16 * largest)
    model = template("mlp", depth=3, width=48, activation="tanh", init="xavier_uniform", bias_init="zeros")
    return trained_on(data, model, seed, learning_rate=0.05, momentum=0.9, steps=250)


def off_by_one(seed: int, rows: int = 1) -> Job:
    """The file of the targets has one row more at its beginning."""
    model = template("cnn", depth=3, channels=12, norm="batch")
    job = requested(model, seed, COLOURS, optimizer="adamw", learning_rate=3e-3, steps=150)
    data = job.dataset
    train, test = data.train_targets.roll(rows), data.test_targets.roll(rows)
    return by_hand.on(job, replace(data, train_targets=train, test_targets=test))


def frozen_bottleneck(seed: int, trainable: bool = False) -> Job:
    narrow = linear(2, "xavier_normal", trainable=trainable)
    layers = [narrow, activation("tanh"), linear(32, "xavier_normal"), activation("tanh"), linear("targets")]
    stand_in = {"kind": "synthetic", "input_shape": [200], "classes": 2, "samples": 20}
    job = spec(layers, seed, stand_in, optimizer="adam", learning_rate=3e-3, steps=300)
    return by_hand.on(job, drawn(half_space, seed, samples=4000))


def ramp_by(positions: str, seed: int) -> Job:
    model = template("transformer", depth=1, width=16, positions=positions)
    return trained_on(drawn(ramps, seed), model, seed, optimizer="adam", learning_rate=3e-3, steps=250)


def half_random_labels(seed: int) -> Job:
    """Half of the labels, held-out ones too, are any of the four."""
    data: Fields = {"kind": "synthetic", "input_shape": [16], "classes": 4, "noise": 0.7, "samples": 8000}
    model = template("mlp", depth=2, width=32, activation="gelu")
    job = requested(model, seed, data, optimizer="adamw", learning_rate=3e-3, steps=250)
    draw = torch.Generator().manual_seed(seed)

    def blurred(labels: Tensor) -> Tensor:
        any_of_four = torch.randint(4, labels.shape, generator=draw)
        return torch.where(torch.rand(len(labels), generator=draw) < 0.5, any_of_four, labels)

    d = job.dataset
    train, test = (d.train_inputs, blurred(d.train_targets)), (d.test_inputs, blurred(d.test_targets))
    return by_hand.on(job, classified(train, test, 4))


THIRD_SET: tuple[Situation, ...] = (
    Situation(
        "relu 16, PyTorch's first weights, mixture of 12",
        asked(
            template("mlp", depth=16), MIXTURE | {"noise": 0.8}, learning_rate=0.02, momentum=0.9, steps=200
        ),
        found("vanishing_gradients", "each layer leaves two fifths of it; with He's weights it learns"),
    ),
    Situation(
        "lstm, the mark 40 steps ago",
        remembered,
        found(
            "vanishing_gradients",
            "a forget gate at a half leaves a hundred millionth after 40 steps; with chrono biases it learns",
        ),
    ),
    Situation(
        "elu 18, weights × 2, mixture of 12",
        asked(
            template(
                "mlp", depth=18, activation="elu", init={"name": "he_normal", "gain": 2.83},
                bias_init="zeros",
            ),
            MIXTURE, learning_rate=0.01, steps=200,
        ),
        found("exploding_gradients", "it doubles at every layer; with half the weights it learns"),
    ),
    Situation(
        "cnn 3, negative kernels after a relu, colours",
        dead_channels,
        found(
            "dead_units",
            "what a relu gives is not negative, and these kernels are: nothing passes them, whatever comes",
        ),
    ),
    Situation(
        "hardtanh 4, weights × 20, mixture of 12",
        asked(
            template(
                "mlp", depth=4, width=48, activation="hardtanh",
                init={"name": "xavier_normal", "gain": 20.0}, bias_init="zeros",
            ),
            MIXTURE | {"noise": 2.5}, learning_rate=0.1, steps=200,
        ),
        found("saturated_activations", "all but a few units are at -1 or 1, and stay there"),
    ),
    Situation(
        "cnn 3 batch norm, SGD at 0.01, colours",
        asked(
            template("cnn", depth=3, channels=12, norm="batch"), COLOURS, learning_rate=0.01, steps=150
        ),
        found("slow_convergence", "steps a thirtieth of those with which it learns in this time"),
    ),
    Situation(
        "gelu 3, AdamW at 1e-6, Friedman's function",
        lambda s: on_friedman(
            template("mlp", depth=3, width=48, activation="gelu"), s, optimizer="adamw", learning_rate=1e-6
        ),
        found("learning_rate_too_small", "200 steps of a millionth; at 0.003 it learns"),
    ),
    Situation(
        "cnn 3 gelu, SGD at 8, colours",
        asked(
            template("cnn", depth=3, channels=12, activation="gelu", **HE), COLOURS, learning_rate=8.0,
            steps=150,
        ),
        found("learning_rate_too_large", "the loss jumps at the first steps; at 0.15 it learns"),
    ),
    Situation(
        "silu 3, AdamW at 3, mixture of 12",
        asked(
            template("mlp", depth=3, activation="silu"), MIXTURE, optimizer="adamw", learning_rate=3.0
        ),
        found("learning_rate_too_large", "each step moves every weight by many times its size"),
    ),
    Situation(
        "tanh 2, RMSprop with momentum 0.997, Friedman's function",
        lambda s: on_friedman(
            template("mlp", depth=2, activation="tanh", init="xavier_normal"), s,
            optimizer="rmsprop", learning_rate=3e-3, momentum=0.997, steps=300,
        ),
        found("unstable_training", "the step is sound, and momentum makes 300 of it; at 0 it learns"),
    ),
    Situation(
        "transformer 1 without positions, rising or falling ramps",
        lambda s: ramp_by("none", s),
        found(
            "not_learning",
            "in any order the steps of a ramp are the same, and it does not see the order; with positions it "
            "learns",
        ),
    ),
    Situation(
        "leaky relu 80, He's weights, mixture of 12",
        asked(
            template("mlp", depth=80, activation="leaky_relu", init="he_uniform", bias_init="zeros"),
            MIXTURE, learning_rate=0.02, momentum=0.5, steps=120,
        ),
        found("forward_collapse", "its gradient arrives; after 80 layers all samples look alike"),
    ),
    Situation(
        "cnn 2 silu, 6 % with faint stripes",
        striped,
        found(
            "class_imbalance",
            "the rare class is the likelier for one in forty of its own; with as many of each, seven in ten "
            "can be told",
        ),
    ),
    Situation(
        "transformer 1, 70 sentences of much noise",
        few_sentences,
        found("overfitting", "it knows the 70 by heart; from 1400 it learns what holds for others"),
    ),
    Situation(
        "elu 2, equal weights, mixture of 12",
        asked(
            template("mlp", depth=2, activation="elu", init=constant(0.05), bias_init="zeros"),
            MIXTURE, optimizer="rmsprop", learning_rate=1e-3, steps=200,
        ),
        found("poor_initialization", "the first layer's units stay copies of one: too few for 12 classes"),
    ),
    Situation(
        "tanh 3, digits from 0 to 255",
        pixels_to_255,
        found("unscaled_inputs", "pixels in the hundreds; from 0 to 1 it learns at the same learning rate"),
    ),
    Situation(
        "elu 3, SGD, decay 0.8, Friedman's function",
        lambda s: on_friedman(
            template("mlp", depth=3, activation="elu"), s, learning_rate=0.1, weight_decay=0.8
        ),
        found("weights_near_zero", "each step takes a twelfth off every weight, more than is added"),
    ),
    Situation(
        "cnn 3 batch norm, targets off by one row, colours",
        off_by_one,
        found("uninformative_data", "each image has the class of the one before; with its own it learns"),
    ),
    Situation(
        "frozen first layer of 2 units, half space of 200",
        frozen_bottleneck,
        found(
            "frozen_parameters",
            "two random directions of 200 hardly know of the one that counts; trained, they find it",
        ),
    ),
    Situation(
        "transformer 6, words",
        asked(
            template("transformer", depth=6, width=32), WORDS, optimizer="adam", learning_rate=1e-3,
            batch_size=16, steps=100,
        ),
        well(because="shortcuts and layer normalisation carry the gradient, and it learns"),
    ),
    Situation(
        "gelu 8, He's weights, mixture of 12",
        asked(
            template("mlp", depth=8, activation="gelu", **HE), MIXTURE, learning_rate=0.05, momentum=0.9
        ),
        well(because="it is deep, and learns"),
    ),
    Situation(
        "lstm chrono, the mark 40 steps ago",
        lambda s: remembered(s, cell="lstm", forget_bias="chrono"),
        well(because="its forget gates start nearly open, and it learns what it had to remember"),
    ),
    Situation(
        "elu 2, 2 samples a step, breast cancer",
        asked(
            template("mlp", depth=2, width=32, activation="elu"), CANCER, learning_rate=0.01, batch_size=2,
            steps=1000,
        ),
        well(because="the losses of two samples jump about, and it learns"),
    ),
    Situation(
        "cnn 2 batch norm, SGD at 0.7, colours",
        asked(template("cnn", depth=2, channels=12, norm="batch"), COLOURS, learning_rate=0.7, steps=150),
        well(because="a high learning rate that works"),
    ),
    Situation(
        "tanh 2, Friedman's function under as much noise",
        lambda s: on_friedman(
            template("mlp", depth=2, width=32, activation="tanh"), s, noise=1.0, samples=6000,
            optimizer="adam", learning_rate=5e-3, batch_size=128, steps=700,
        ),
        well(because="half of the variance is noise, which no network can predict; of the rest it gets most"),
    ),
    Situation(
        "gelu 2, half of the labels random",
        half_random_labels,
        well(because="0.62 are right at best, since half of the labels are drawn at random, and it has them"),
    ),
    Situation(
        "relu 3 × 128, dropout 0.6, series",
        asked(
            template("mlp", depth=3, width=128, dropout=0.6, **HE), SERIES, optimizer="adam",
            learning_rate=1e-3, steps=300,
        ),
        well(because="its training loss stays high, since units are missing; with all of them it does well"),
    ),
)  # fmt: skip
