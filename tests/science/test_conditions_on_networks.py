"""Conditions that no look-alike stands for, on networks that really have them, and the same networks
cured."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import pytest
import torch
from torch import Tensor

from tests.science.situations.by_hand import on
from tests.science.situations.expressible import linear, plain, spec
from tests.science.situations.situation import Job, alarms, primary
from workers.data import Dataset

SEEDS = range(2)
TWO_CLASSES = {"kind": "synthetic", "input_shape": [16], "classes": 2}
NOISY = {"kind": "synthetic", "input_shape": [64], "classes": 10, "samples": 10_000, "noise": 4.0}


@dataclass(frozen=True)
class Patient:
    """A job that has a condition, and the same job without its cause."""

    ill: Callable[[int], Job]
    cured: Callable[[int], Job]


def slow(seed: int, learning_rate: float) -> Job:
    return spec(plain(3, "relu", "he_normal"), seed, learning_rate=learning_rate, steps=150)


def scaled(seed: int, name: str, standardize: bool) -> Job:
    data = {"kind": "builtin", "name": name, "standardize": standardize}
    return spec(plain(2, "relu", "he_normal"), seed, data, learning_rate=0.01, batch_size=32, steps=150)


def imbalanced(seed: int, rare: float) -> Job:
    """Two overlapping classes, 2 standard deviations apart, of which one is `rare`."""
    layers = plain(1, "relu", "he_normal", width=32)
    job = spec(layers, seed, TWO_CLASSES, learning_rate=0.1, steps=400)
    draw = torch.Generator().manual_seed(seed)

    def samples(count: int) -> tuple[Tensor, Tensor]:
        targets = (torch.rand(count, generator=draw) < rare).long()
        return torch.randn(count, 16, generator=draw) + 0.5 * targets[:, None], targets

    train, test = samples(6000), samples(4000)
    chance = float(torch.bincount(test[1]).max()) / len(test[1])
    return on(job, Dataset(*train, *test, task="classification", classes=2, chance=chance))


def mislabelled(seed: int, share: float) -> Job:
    """A wide network on 200 digits, a share of which is given any label."""
    job = spec(plain(2, "relu", "he_normal", width=256), seed, learning_rate=0.1, steps=600)
    draw = torch.Generator().manual_seed(seed)
    targets = job.dataset.train_targets[:200].clone()
    wrong = torch.rand(200, generator=draw) < share
    targets[wrong] = torch.randint(10, (int(wrong.sum()),), generator=draw)
    few = replace(job.dataset, train_inputs=job.dataset.train_inputs[:200], train_targets=targets)
    return on(job, few)


def initialised(seed: int, hidden: str | dict[str, object], head: str | dict[str, object]) -> Job:
    layers = [*plain(1, "relu", hidden)[:-1], linear("targets", head)]
    return spec(layers, seed, learning_rate=0.05, steps=150)


def steep(seed: int, function: str, gain: float, learning_rate: float = 0.01) -> Job:
    weights = {"name": "xavier_normal", "gain": gain}
    return spec(plain(3, function, weights), seed, learning_rate=learning_rate, steps=400)


def decayed(seed: int, weight_decay: float) -> Job:
    layers = plain(2, "tanh", "xavier_normal")
    return spec(layers, seed, learning_rate=0.05, weight_decay=weight_decay, steps=200)


def heavy_ball(seed: int, learning_rate: float, momentum: float) -> Job:
    training = {"learning_rate": learning_rate, "momentum": momentum, "clip_grad_norm": 5.0, "steps": 200}
    return spec(plain(2, "leaky_relu", "he_normal"), seed, NOISY, **training)


def constant(value: float) -> dict[str, object]:
    return {"name": "constant", "value": value}


PATIENTS = {
    ("slow_convergence", "short steps"): Patient(lambda s: slow(s, 0.001), lambda s: slow(s, 0.05)),
    ("unscaled_inputs", "wine"): Patient(
        lambda s: scaled(s, "wine", False), lambda s: scaled(s, "wine", True)
    ),
    ("unscaled_inputs", "breast cancer"): Patient(
        lambda s: scaled(s, "breast_cancer", False), lambda s: scaled(s, "breast_cancer", True)
    ),
    ("class_imbalance", "9 of 10"): Patient(lambda s: imbalanced(s, 0.1), lambda s: imbalanced(s, 0.5)),
    ("overfitting", "wrong labels"): Patient(lambda s: mislabelled(s, 0.4), lambda s: mislabelled(s, 0.0)),
    ("poor_initialization", "equal weights"): Patient(
        lambda s: initialised(s, constant(0.05), constant(0.1)),
        lambda s: initialised(s, "he_normal", "xavier_normal"),
    ),
    ("saturated_activations", "tanh"): Patient(
        lambda s: steep(s, "tanh", 20.0), lambda s: steep(s, "tanh", 1.0)
    ),
    ("saturated_activations", "sigmoid"): Patient(
        lambda s: steep(s, "sigmoid", 50.0, 0.1), lambda s: steep(s, "sigmoid", 4.0, 0.1)
    ),
    ("weights_near_zero", "decay"): Patient(lambda s: decayed(s, 0.5), lambda s: decayed(s, 0.001)),
    ("unstable_training", "momentum"): Patient(
        lambda s: heavy_ball(s, 0.2, 0.99), lambda s: heavy_ball(s, 0.02, 0.9)
    ),
}
"""By condition and what brings it about."""

CASES = [pytest.param(*key, id="-".join(key).replace(" ", "_")) for key in PATIENTS]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("condition", "cause"), CASES)
def test_a_network_that_has_it_is_told_so_first(condition: str, cause: str, seed: int) -> None:
    diagnosis = PATIENTS[condition, cause].ill(seed).diagnose()

    assert primary(diagnosis) == condition
    assert diagnosis.verdict in {"unhealthy", "at_risk"}


@pytest.mark.parametrize(("condition", "cause"), CASES)
def test_the_same_network_without_the_cause_is_well(condition: str, cause: str) -> None:
    diagnosis = PATIENTS[condition, cause].cured(0).diagnose()

    assert alarms(diagnosis) == []
    assert condition not in {finding.condition for finding in diagnosis.findings}
    assert diagnosis.outcome.learned is True
