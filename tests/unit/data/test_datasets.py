"""Loaded data: shapes, scales, chance, and that it can be learned."""

from typing import get_args

import pytest
import torch
from sklearn.datasets import load_digits
from torch import Tensor

from service.contract.data_spec import BuiltinName
from tests.unit.models.requests import Written, data_request, synthetic
from workers.data import Dataset, load_dataset

REAL = [name for name in get_args(BuiltinName) if name != "adding"]


def load(data: Written, seed: int = 0) -> Dataset:
    return load_dataset(data_request(data), seed)


def real(name: str, **fields: object) -> Dataset:
    return load({"kind": "builtin", "name": name, **fields})


def every_kind() -> list[Written]:
    adding = {"kind": "builtin", "name": "adding", "length": 10, "samples": 200}
    made = [adding, synthetic(4), synthetic(5, 4), synthetic(2, 4, 4), synthetic(9, vocabulary=6)]
    return [*({"kind": "builtin", "name": name} for name in REAL), *made]


@pytest.mark.parametrize("data", every_kind(), ids=str)
def test_what_is_loaded_is_what_the_contract_says(data: Written) -> None:
    expected = data_request(data).shape
    loaded = load(data)
    assert loaded.train_inputs.shape == (expected.training_samples, *expected.sample.shape)
    assert len(loaded.test_inputs) == expected.samples - expected.training_samples
    assert (loaded.task, loaded.classes) == (expected.task, expected.classes)
    for targets, inputs in (
        (loaded.train_targets, loaded.train_inputs),
        (loaded.test_targets, loaded.test_inputs),
    ):
        assert inputs.dtype == (torch.float32 if expected.sample.vocabulary is None else torch.int64)
        assert torch.isfinite(inputs).all()
        if expected.classes is None:
            assert (targets.shape, targets.dtype) == ((len(inputs), 1), torch.float32)
        else:
            assert (targets.shape, targets.dtype) == ((len(inputs),), torch.int64)
            assert 0 <= int(targets.min()) <= int(targets.max()) < expected.classes


@pytest.mark.parametrize("name", REAL)
def test_training_inputs_are_standardised_over_the_training_samples(name: str) -> None:
    values = real(name).train_inputs.flatten(1).double()
    assert values.mean(0).abs().max() < 1e-5
    spreads = values.std(0, correction=0)
    assert torch.all(
        (spreads - 1).abs().lt(1e-4) | spreads.eq(0)
    )  # a pixel that is always dark stays as it is


def test_digits_are_split_as_the_reference_measurements_split_them() -> None:
    """The recipe of the reference numbers: RandomState(123), 70 %, population standard deviation."""
    import numpy as np

    bunch = load_digits()
    order = np.random.RandomState(123).permutation(1797)
    inputs, targets = bunch.data[order], bunch.target[order]
    mean, std = inputs[:1257].mean(0), inputs[:1257].std(0)
    std[std < 1e-6] = 1
    loaded = real("digits")
    expected = torch.tensor((inputs - mean) / std, dtype=torch.float32)
    assert torch.equal(loaded.train_inputs.flatten(1), expected[:1257])
    assert torch.equal(loaded.test_inputs.flatten(1), expected[1257:])
    assert loaded.test_targets.tolist() == targets[1257:].tolist()


def test_sequential_digits_are_the_digits_pixel_by_pixel() -> None:
    assert torch.equal(
        real("sequential_digits").test_inputs.flatten(1), real("digits").test_inputs.flatten(1)
    )


def test_digits_can_be_left_as_they_are() -> None:
    raw = real("digits", standardize=False).train_inputs
    assert (float(raw.min()), float(raw.max())) == (0.0, 16.0)


def test_the_target_of_a_regression_is_standardised_too() -> None:
    targets = real("diabetes").train_targets
    assert float(targets.mean()) == pytest.approx(0.0, abs=1e-5)
    assert float(targets.std(correction=0)) == pytest.approx(1.0, rel=1e-5)
    assert float(real("diabetes", standardize=False).train_targets.mean()) > 100


def constant_accuracy(data: Dataset) -> float:
    guesses = [float((data.test_targets == label).float().mean()) for label in range(data.classes or 0)]
    return max(guesses)


@pytest.mark.parametrize("name", [name for name in REAL if name != "diabetes"])
def test_chance_is_the_best_constant_guess(name: str) -> None:
    data = real(name)
    assert data.metric == "accuracy"
    assert data.chance == pytest.approx(constant_accuracy(data))


def test_chance_of_the_adding_problem_is_one_sixth() -> None:
    data = load({"kind": "builtin", "name": "adding", "length": 10, "samples": 40_000})
    assert data.metric == "mean_squared_error"
    assert data.chance == pytest.approx(1 / 6, rel=0.03)


def test_adding_marks_one_number_in_either_half_and_asks_for_their_sum() -> None:
    data = load({"kind": "builtin", "name": "adding", "length": 11, "samples": 100})
    numbers, marks = data.train_inputs.unbind(2)
    assert torch.equal(marks[:, :5].sum(1), torch.ones(70))
    assert torch.equal(marks[:, 5:].sum(1), torch.ones(70))
    assert torch.allclose((numbers * marks).sum(1, keepdim=True), data.train_targets)


def parts(data: Dataset) -> list[Tensor]:
    return [data.train_inputs, data.train_targets, data.test_inputs, data.test_targets]


@pytest.mark.parametrize("data", every_kind(), ids=str)
def test_the_same_seed_gives_the_same_data(data: Written) -> None:
    assert all(torch.equal(a, b) for a, b in zip(parts(load(data)), parts(load(data)), strict=True))


@pytest.mark.parametrize("data", every_kind()[len(REAL) :], ids=str)
def test_another_seed_gives_other_made_up_data(data: Written) -> None:
    assert not torch.equal(load(data, seed=1).train_inputs, load(data, seed=2).train_inputs)


def nearest_neighbour_accuracy(data: Dataset) -> float:
    """Accuracy of naming the class of the nearest training sample."""
    distances = torch.cdist(data.test_inputs.flatten(1).float(), data.train_inputs.flatten(1).float(), p=1)
    return float((data.train_targets[distances.argmin(1)] == data.test_targets).float().mean())


@pytest.mark.parametrize("shape", [(32,), (8, 4), (2, 4, 4)])
def test_synthetic_classes_can_be_learned_and_noise_makes_them_harder(shape: tuple[int, ...]) -> None:
    easy, hard, hopeless = (
        load({"kind": "synthetic", "input_shape": list(shape), "classes": 5, "samples": 400, "noise": noise})
        for noise in (0.5, 4.0, 1000.0)
    )
    assert nearest_neighbour_accuracy(easy) > 0.99
    assert 0.3 < nearest_neighbour_accuracy(hard) < 0.9
    assert nearest_neighbour_accuracy(hopeless) < 0.35
    assert float(easy.train_inputs.std()) == pytest.approx(1.0, rel=0.15)


def test_synthetic_tokens_keep_their_prototype_as_often_as_said() -> None:
    data = load({"kind": "synthetic", "input_shape": [40], "classes": 2, "vocabulary": 1000, "samples": 400})
    one_class = data.train_inputs[data.train_targets == 0]
    kept = (one_class == one_class.mode(0).values).float().mean()
    assert float(kept) == pytest.approx(0.5, abs=0.03)
    assert int(data.train_inputs.max()) < 1000


def test_synthetic_classes_are_balanced() -> None:
    data = load(synthetic(4, classes=3))
    counts = torch.bincount(torch.cat([data.train_targets, data.test_targets]))
    assert counts.tolist() == [20, 20, 20]


@pytest.mark.parametrize("name", REAL)
def test_what_the_data_were_standardised_by_gives_them_back(name: str) -> None:
    standardised, given = real(name), real(name, standardize=False)
    torch.testing.assert_close(standardised.given_inputs(50), given.train_inputs[:50], rtol=1e-4, atol=1e-3)
    assert (given.input_scale, given.target_scale) == (None, None)
    regression = standardised.task == "regression"
    assert (standardised.target_scale is not None) is regression
