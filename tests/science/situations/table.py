"""The 24 situations that are easily taken for one another, and what is true of each.

Those that are described at initialisation are given a short training, as a client would: some of them, such
as an output layer of zeros, can only be told from an illness by what the first steps do.
"""

from typing import Any

from torch import nn

from service.contract.diagnosis import Verdict
from tests.science.situations import by_hand
from tests.science.situations.by_hand import PixelLevels, ScaleGradient
from tests.science.situations.expressible import activation, linear, plain, residual, spec
from tests.science.situations.situation import Job, Situation, ill, well

SHORT: dict[str, Any] = {"steps": 120, "learning_rate": 0.1}
GENTLE: dict[str, Any] = {"steps": 150, "learning_rate": 0.05}
SMALL: dict[str, Any] = {"name": "normal", "std": 0.01}
EITHER: tuple[Verdict, ...] = ("unhealthy", "at_risk")


def relu5(seed: int, width: int = 64, **training: Any) -> Job:
    return spec(plain(5, "relu", "he_normal", width=width), seed, **GENTLE | training)


def dead_layer(seed: int) -> Job:
    block = [linear(64, "he_normal"), activation("relu")]
    dead = linear(64, "he_normal") | {"bias_init": {"name": "constant", "value": -50.0}}
    layers = [{"op": "flatten"}, *block * 2, dead, activation("relu"), *block * 2]
    return spec([*layers, linear("targets", "xavier_normal")], seed, **GENTLE)


def frozen_layers(seed: int) -> Job:
    frozen = [linear(64, "he_normal", trainable=False), activation("relu")]
    block = [linear(64, "he_normal"), activation("relu")]
    layers = [{"op": "flatten"}, *frozen * 3, *block * 2, linear("targets", "xavier_normal")]
    return spec(layers, seed, **GENTLE)


def sparse_embedding(seed: int) -> Job:
    job = relu5(seed, optimizer="adam", learning_rate=0.01, steps=60)
    (network,) = by_hand.seeded(seed, [PixelLevels])
    return by_hand.with_network(job, network)


def saturated_softmax(seed: int) -> Job:
    job = by_hand.larger_logits(relu5(seed, learning_rate=0.1, loss="mse"), 60.0)
    return by_hand.followed_by(job, nn.Softmax(dim=1))


def scaled_loss(seed: int) -> Job:
    return by_hand.followed_by(relu5(seed, learning_rate=5e4), ScaleGradient(1e-6))


def underflow(seed: int) -> Job:
    training: dict[str, Any] = {"steps": 120, "learning_rate": 1e4, "batch_size": 256}
    half: dict[str, Any] = {"precision": "float16", "loss_scaling": False}
    job = spec(plain(12, "tanh", "xavier_normal"), seed, **training, **half)
    return by_hand.followed_by(job, ScaleGradient(1e-5))


def shuffled_labels(seed: int) -> Job:
    job = relu5(seed, momentum=0.9)
    return by_hand.on(job, by_hand.shuffled(job.dataset, seed))


def no_inputs(seed: int) -> Job:
    job = relu5(seed, momentum=0.9)
    return by_hand.on(job, by_hand.emptied(job.dataset))


def converged(seed: int) -> Job:
    job = spec(plain(3, "tanh", "xavier_normal"), seed, steps=60, optimizer="adam", learning_rate=1e-3)
    return by_hand.pretrained(job, 1500, 3e-3, adam=True)


def after_steps(seed: int) -> Job:
    job = spec(plain(20, "sigmoid", "xavier_normal"), seed, **SHORT)
    return by_hand.pretrained(job, 150, 0.1)


def pruned(seed: int) -> Job:
    job = relu5(seed, width=256, steps=60)
    return by_hand.pruned(by_hand.pretrained(job, 100, 1e-3, adam=True), 0.8)


VANISHING = ill("vanishing_gradients", because="the gradient is lost on its way to the first layers")

SITUATIONS: tuple[Situation, ...] = (
    Situation(
        "sigmoid20 xavier (init)",
        lambda s: spec(plain(20, "sigmoid", "xavier_normal"), s, **SHORT),
        VANISHING,
    ),
    Situation(
        "tanh50 torch default (init)",
        lambda s: spec(plain(50, "tanh", "torch_default"), s, **SHORT),
        VANISHING,
    ),
    Situation(
        "relu20 N(0,.01) (init)",
        lambda s: spec(plain(20, "relu", SMALL), s, **SHORT),
        ill(
            "vanishing_gradients",
            because="weights this small lose 44 decades; they are the cause, the lost "
            "gradient is the illness",
        ),
    ),
    Situation(
        "sigmoid8 xavier (init)",
        lambda s: spec(plain(8, "sigmoid", "xavier_normal"), s, **SHORT),
        VANISHING,
    ),
    Situation("sigmoid20 after 150 SGD steps", after_steps, VANISHING),
    Situation(
        "sigmoid20 + LayerNorm",
        lambda s: spec(plain(20, "sigmoid", "xavier_normal", norm="layer_norm"), s, **SHORT),
        ill("vanishing_gradients", because="normalising gives back only part of what a sigmoid takes"),
    ),
    Situation(
        "relu5 He mid-training",
        lambda s: by_hand.pretrained(relu5(s), 40, 0.05),
        well(because="gradients are small because it learns"),
    ),
    Situation(
        "residual+BN relu50 (init)",
        lambda s: spec(residual(50, norm="batch_norm"), s, steps=80, optimizer="adam", learning_rate=0.001),
        well(because="the shortcuts carry the gradient, and batch normalisation makes it grow a little only"),
    ),
    Situation(
        "ReZero relu50 alpha=0 (init)",
        lambda s: spec(residual(50, scale={"learned": 0.0}), s, steps=60, learning_rate=0.05),
        well(because="the blocks' gradients are zero in the first step only"),
    ),
    Situation(
        "zero-init head residual10",
        lambda s: spec(residual(10, norm="layer_norm", head="zeros"), s, steps=100, learning_rate=0.05),
        well(because="nothing passes an output layer of zeros in the first step, and all in the second"),
    ),
    Situation(
        "relu5 loss x1e-6 (lr x1e6)",
        scaled_loss,
        well(because="all gradients are 1e-6 as large, and the learning rate makes up for it"),
    ),
    Situation(
        "tied relu x20 orth",
        lambda s: by_hand.tied(s, 20, steps=300, optimizer="adam", learning_rate=0.001),
        well(because="orthogonal weights keep the gradient, shared or not"),
    ),
    Situation(
        "sparse embedding 200k rows",
        sparse_embedding,
        well(because="rows that no sample uses get no gradient, as they should"),
    ),
    Situation(
        "relu5 80% pruned",
        pruned,
        well(because="four of five weights are zero, and it learns on with the rest"),
    ),
    Situation(
        "tanh3 converged",
        converged,
        well("converged", because="there is no error left to make a gradient of"),
    ),
    Situation(
        "relu5 He, lr=1e-6",
        lambda s: relu5(s, learning_rate=1e-6),
        ill("learning_rate_too_small", because="the best step is 5 decades longer", verdicts=EITHER),
    ),
    Situation(
        "relu5 shuffled labels",
        shuffled_labels,
        ill(
            "uninformative_data",
            because="its gradient is sound; the targets do not depend on the inputs",
            verdicts=EITHER,
        ),
    ),
    Situation(
        "relu5 all-zero inputs",
        no_inputs,
        ill(
            "uninformative_data",
            because="zero gradients come from zero inputs, layer by layer",
            verdicts=EITHER,
        ),
    ),
    Situation(
        "relu5 first 3 layers frozen",
        frozen_layers,
        ill(
            "frozen_parameters",
            because="mostly done on purpose, so a note will do: it learns with the rest",
            verdicts=("healthy", "at_risk"),
        ),
    ),
    Situation(
        "relu5 detach after layer 3",
        lambda s: by_hand.cut_after(relu5(s), 3),
        ill(
            "disconnected_parameters",
            because="they are to be trained, and no gradient is there at all",
            verdicts=EITHER,
        ),
    ),
    Situation(
        "relu5 dead layer 3 (bias -50)",
        dead_layer,
        ill("dead_units", because="one layer is zero for every sample, so nothing passes it either way"),
    ),
    Situation(
        "softmax+MSE, logits x60",
        saturated_softmax,
        ill(
            "error_signal_saturated",
            because="a fiftieth of the error gets past the softmax",
            verdicts=EITHER,
        ),
    ),
    Situation(
        "tanh12 fp16 grads, loss/1e5",
        underflow,
        ill(
            "gradient_underflow",
            because="it is the number format that has no such small numbers",
            verdicts=EITHER,
        ),
    ),
    Situation(
        "relu100 He width64 (init)",
        lambda s: spec(plain(100, "relu", "he_normal"), s, steps=120, learning_rate=0.05),
        ill("forward_collapse", because="its gradient arrives, but all samples look alike after 100 layers"),
    ),
)

KNOWN_MISSES: dict[tuple[str, int], str] = {}
"""Situations and seeds that do not come out right, and why. The tests fail when one does."""
