"""Data sets that bring an illness about, or only seem to."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from service.contract.data_spec import BuiltinData, BuiltinName
from tests.science.situations.by_hand import on
from tests.science.situations.expressible import requested
from tests.science.situations.situation import Job
from workers.data import Dataset, load_dataset

Samples = tuple[Tensor, Tensor]
"""Inputs (samples, *shape) and class numbers (samples,)."""


def trained_on(data: Dataset, model: dict[str, Any], seed: int, **training: Any) -> Job:
    """The job of training this model on this data set, which no request could ask for."""
    shape = list(data.train_inputs.shape[1:])
    stand_in = {"kind": "synthetic", "input_shape": shape, "classes": data.classes, "samples": 20}
    return on(requested(model, seed, stand_in, **training), data)


def classified(train: Samples, test: Samples, classes: int = 2) -> Dataset:
    """A classification; chance is the share of the largest class held out."""
    chance = float(torch.bincount(test[1]).max()) / len(test[1])
    return Dataset(*train, *test, task="classification", classes=classes, chance=chance)


def drawn(make: Callable[[torch.Generator, int], Samples], seed: int, samples: int = 2000) -> Dataset:
    """A data set of two classes from a generator of samples; half as many are held out."""
    draw = torch.Generator().manual_seed(seed)
    return classified(make(draw, samples), make(draw, samples // 2))


def faint_trend(share: float, shift: float = 0.15) -> Callable[[torch.Generator, int], Samples]:
    """Noise of 12 steps and 3 features; in a rare class each entry is higher by `shift`.

    The class means lie 6 · shift standard deviations apart.
    """

    def make(draw: torch.Generator, samples: int) -> Samples:
        rare = (torch.rand(samples, generator=draw) < share).long()
        return torch.randn(samples, 12, 3, generator=draw) + shift * rare[:, None, None], rare

    return make


def octants(draw: torch.Generator, samples: int) -> Samples:
    """Points of space, standard normal; the class is whether an even number of coordinates is negative."""
    points = torch.randn(samples, 3, generator=draw)
    return points, (points.prod(1) > 0).long()


def rings(draw: torch.Generator, samples: int) -> Samples:
    """Points on two circles of radius 0.6 and 1.6 around the origin, with noise of 0.1."""
    angles = 6.2832 * torch.rand(samples, generator=draw)
    outer = torch.randint(2, (samples,), generator=draw)
    circle = torch.stack([angles.cos(), angles.sin()], 1) * (0.6 + outer)[:, None]
    return circle + 0.1 * torch.randn(samples, 2, generator=draw), outer


def rising_or_falling(draw: torch.Generator, samples: int) -> Samples:
    """Sequences of 12 steps whose one half is about 1 and the other about -1; the class is which."""
    rising = torch.randint(2, (samples,), generator=draw)
    steps = torch.cat([-torch.ones(6), torch.ones(6)])[None, :, None]
    sign = (2 * rising - 1)[:, None, None]
    return steps * sign + 0.3 * torch.randn(samples, 12, 1, generator=draw), rising


def real(name: BuiltinName, standardize: bool = True) -> Dataset:
    return load_dataset(BuiltinData(name=name, standardize=standardize), 0)


def two_classes(data: Dataset, of: Callable[[Tensor], Tensor]) -> Dataset:
    """The data set with targets that are true or false of its own."""
    return classified(
        (data.train_inputs, of(data.train_targets).long().flatten()),
        (data.test_inputs, of(data.test_targets).long().flatten()),
    )


def first(data: Dataset, samples: int) -> Dataset:
    """Trained on the first samples only."""
    return replace(data, train_inputs=data.train_inputs[:samples], train_targets=data.train_targets[:samples])


def with_inputs(data: Dataset, change: Callable[[Tensor], Tensor]) -> Dataset:
    """Its inputs changed, held-out ones too."""
    return replace(data, train_inputs=change(data.train_inputs), test_inputs=change(data.test_inputs))


def in_other_units(feature: int, factor: float) -> Callable[[Tensor], Tensor]:
    """One feature in a unit that makes its numbers larger."""

    def change(inputs: Tensor) -> Tensor:
        units = torch.ones(inputs.shape[1])
        units[feature] = factor
        return inputs * units

    return change


def with_timestamps(inputs: Tensor) -> Tensor:
    """Flat inputs and one feature more: Unix time in seconds, some time in one year."""
    draw = torch.Generator().manual_seed(len(inputs))
    times = 1.7e9 + 3.15e7 * torch.rand(len(inputs), 1, generator=draw)
    return torch.cat([inputs.flatten(1), times], 1)


def with_a_gap(data: Dataset, sample: int, feature: int) -> Dataset:
    """One value of the training data is missing: not a number."""
    inputs = data.train_inputs.clone()
    inputs[sample, feature] = torch.nan
    return replace(data, train_inputs=inputs)
