"""The data check against scikit-learn, published scores, and data made for it."""

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.model_selection import LeaveOneOut, cross_val_score
from sklearn.neighbors import KNeighborsClassifier

from service.contract.data_spec import BuiltinData
from tests.unit.examination.subjects import digits
from workers.data import Dataset, load_dataset
from workers.examination.data_check import data_check


def changed(**fields: Any) -> Dataset:
    return dataclasses.replace(digits(), **fields)


def test_the_neighbours_know_real_labels_as_published_and_shuffled_ones_not() -> None:
    real = data_check(digits(), seed=0)
    labels = digits().train_targets
    order = torch.randperm(len(labels), generator=torch.Generator().manual_seed(0))
    shuffled = data_check(changed(train_targets=labels[order]), seed=0)
    assert real.neighbour_score == pytest.approx(0.973, abs=2 * 0.014)
    assert shuffled.neighbour_score == pytest.approx(0.103, abs=2 * 0.027)
    assert real.neighbour_score > 5 * real.neighbour_score_shuffled
    # A binomial's 95 % quantile for 1000 guesses among 10 classes is 0.116.
    assert real.neighbour_score_shuffled == pytest.approx(0.116, abs=0.01)
    assert real.samples == 1000


def test_the_score_is_scikit_learns() -> None:
    few = changed(train_inputs=digits().train_inputs[:150], train_targets=digits().train_targets[:150])
    values = few.train_inputs.flatten(1).numpy().astype(np.float64)
    spread = values.std(axis=0)
    values = (values - values.mean(axis=0)) / np.where(spread > 0, spread, 1.0)
    expected = cross_val_score(KNeighborsClassifier(5), values, few.train_targets.numpy(), cv=LeaveOneOut())
    assert data_check(few, seed=0).neighbour_score == pytest.approx(expected.mean(), abs=1 / 150)


def test_constant_inputs_know_nothing() -> None:
    found = data_check(changed(train_inputs=torch.zeros_like(digits().train_inputs)), seed=0)
    assert found.constant_features == 1.0
    assert found.duplicate_share == pytest.approx(0.999)
    assert found.neighbour_score < 0.2
    assert math.isnan(found.feature_scale_ratio)
    assert math.isnan(found.input_mean_ratio)


def test_scales_duplicates_and_constants_are_counted() -> None:
    inputs = torch.randn(200, 8, generator=torch.Generator().manual_seed(0)) + 3.0
    inputs[:, 0] *= 1000.0
    inputs[:, 1] = 7.0
    inputs[100:] = inputs[:100]
    targets = (torch.arange(200) % 10 == 0).long()
    found = data_check(changed(train_inputs=inputs, train_targets=targets, classes=3), seed=0)
    assert found.constant_features == pytest.approx(1 / 8)
    assert found.feature_scale_ratio == pytest.approx(3.0, abs=0.1)
    assert found.duplicate_share == pytest.approx(0.5)
    assert (found.largest_class_share, found.smallest_class_share) == (0.9, 0.0)
    values = inputs.double()
    expected = float(values.mean() / values.std(correction=0))
    assert found.input_mean_ratio == pytest.approx(expected, rel=1e-6)


def test_regression_has_an_r_squared() -> None:
    dataset = load_dataset(BuiltinData(kind="builtin", name="diabetes"), 0)
    found = data_check(dataset, seed=0)
    assert 0.2 < found.neighbour_score < 0.6  # a linear fit reaches 0.5
    assert found.neighbour_score_shuffled < 0.0
    assert math.isnan(found.largest_class_share)


def test_tokens_are_compared_position_by_position() -> None:
    generator = torch.Generator().manual_seed(0)
    labels = torch.arange(300) % 3
    prototypes = torch.randint(50, (3, 12), generator=generator)
    kept = torch.rand(300, 12, generator=generator) < 0.4
    tokens = torch.where(kept, prototypes[labels], torch.randint(50, (300, 12), generator=generator))
    found = data_check(changed(train_inputs=tokens, train_targets=labels, classes=3), seed=0)
    assert found.neighbour_score > 0.9 > 0.5 > found.neighbour_score_shuffled
    assert math.isnan(found.feature_scale_ratio)


def test_inputs_that_are_not_finite_leave_the_neighbours_out() -> None:
    inputs = digits().train_inputs.clone()
    inputs.flatten(1)[:, 5] = math.nan
    found = data_check(changed(train_inputs=inputs), seed=0)
    assert math.isnan(found.neighbour_score)
    assert found.largest_class_share > 0.1
