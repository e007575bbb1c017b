"""Ordinary networks that a reviewer tried, and of which the diagnosis then said something wrong.

The rules were mended with these in view, so they test that it stays so, not how often the diagnosis is right.
Most have PyTorch's own first weights, which none of the 24 look-alikes has.
"""

import torch

from tests.science.situations import more_data
from tests.science.situations.expressible import DIGITS
from tests.science.situations.healthy import template
from tests.science.situations.more_data import Samples, drawn, trained_on
from tests.science.situations.more_illnesses import asked
from tests.science.situations.more_networks import CANCER, DIABETES, IMAGES, SEQUENCES, convolutions
from tests.science.situations.situation import Job, Situation, ill, well
from tests.science.situations.table import EITHER

FLIPPED = 0.35


def half_right(draw: torch.Generator, samples: int) -> Samples:
    """Normal vectors of 10; the class is the sign of the first two entries' sum, but for 35 % of them."""
    vectors = torch.randn(samples, 10, generator=draw)
    flipped = torch.rand(samples, generator=draw) < FLIPPED
    return vectors, ((vectors[:, 0] + vectors[:, 1] > 0) ^ flipped).long()


def noisy_labels(seed: int) -> Job:
    model = template("mlp", depth=2, width=32, activation="tanh")
    return trained_on(
        drawn(half_right, seed), model, seed, learning_rate=0.05, momentum=0.9, steps=400, batch_size=32
    )


def digits_times(factor: float, seed: int, **training: float | int | str) -> Job:
    data = more_data.with_inputs(more_data.real("digits"), lambda inputs: factor * inputs)
    return trained_on(data, template("mlp", depth=3), seed, **training)


SLOW_OR_STUCK = ("learning_rate_too_small", "slow_convergence")

REVIEWED: tuple[Situation, ...] = (
    Situation(
        "relu 2, SGD at 1e-5, breast cancer",
        asked(template("mlp", depth=2), CANCER, learning_rate=1e-5, batch_size=32, steps=200),
        ill(
            "learning_rate_too_small", verdicts=EITHER,
            because="first weights that happen to be right for four in five of the samples are not learned",
        ),
    ),
    Situation(
        "relu 3, SGD at 1e-4, digits",
        asked(template("mlp", depth=3), learning_rate=1e-4, steps=200),
        ill("learning_rate_too_small", verdicts=EITHER, because="at 0.05 with momentum it reaches 0.97"),
    ),
    Situation(
        "relu 3, Adam at 1e-5, digits",
        asked(template("mlp", depth=3), optimizer="adam", learning_rate=1e-5, steps=200),
        ill(*SLOW_OR_STUCK, verdicts=EITHER, because="at 3e-3 it learns"),
    ),
    Situation(
        "relu 4, SGD at 1e-5, diabetes",
        asked(template("mlp", depth=4), DIABETES, learning_rate=1e-5, steps=200),
        ill("learning_rate_too_small", verdicts=EITHER, because="at 0.05 with momentum it learns"),
    ),
    Situation(
        "cnn 4 batch norm, SGD at 1e-6, images",
        lambda s: convolutions(
            s, IMAGES, depth=4, norm="batch", training={"learning_rate": 1e-6, "momentum": 0.9, "steps": 150}
        ),
        ill("learning_rate_too_small", verdicts=EITHER, because="with Adam at 3e-3 it learns all of it"),
    ),
    Situation(
        "cnn 2, SGD at 1e-4, digits",
        lambda s: convolutions(s, DIGITS, depth=2, training={"learning_rate": 1e-4, "steps": 150}),
        ill(
            "learning_rate_too_small", verdicts=EITHER,
            because="at 0.2 with momentum it learns; its features are few at first, but they do not collapse",
        ),
    ),
    Situation(
        "GRU, Adam at 1e-9, sequences",
        asked(
            template("rnn", cell="gru", units=16), SEQUENCES, optimizer="adam", learning_rate=1e-9, steps=150
        ),
        ill(
            "learning_rate_too_small",
            because="at 0.01 it learns, though its gradient fades over 40 steps; nothing learns at 1e-9",
        ),
    ),
    Situation(
        "relu 2, SGD at 0.05, clipped to 1e-5, digits",
        asked(template("mlp", depth=2), learning_rate=0.05, clip_grad_norm=1e-5, steps=150),
        ill("learning_rate_too_small", verdicts=EITHER, because="unclipped it learns"),
    ),
    Situation(
        "relu 3, digits × 1000",
        lambda s: digits_times(1000.0, s, learning_rate=0.05, steps=150),
        ill("unscaled_inputs", verdicts=EITHER, because="as they are, it learns"),
    ),
    Situation(
        "relu 3, digits × 0.001",
        lambda s: digits_times(0.001, s, learning_rate=0.05, steps=150),
        ill("unscaled_inputs", verdicts=EITHER, because="as they are, it learns"),
    ),
    Situation(
        "tanh 2, a third of the labels wrong",
        noisy_labels,
        well(because="it ends at 0.62 to 0.64 where nobody can do better than 0.65"),
    ),
)  # fmt: skip
"""In each, another rule was wrong: one that took luck for learning, one that took the look of the first
weights for a collapse, one that took noise in the targets for slowness, and so on."""
