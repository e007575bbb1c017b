"""Quantities on inputs whose answer is known."""

import numpy as np
import pytest
import torch
from torch import nn

from workers.probes.quantities.backward_gain import backward_gain
from workers.probes.quantities.dead_units import dead_units
from workers.probes.quantities.near_zero import near_zero
from workers.probes.quantities.non_finite import at_least_one, non_finite
from workers.probes.quantities.saturation import Saturation
from workers.probes.quantities.spread import spread
from workers.probes.quantities.update_ratio import update_ratio
from workers.probes.quantities.weight_norm import weight_norm
from workers.probes.samples import SampleBlock


def block(rows: list[list[float]], offsets: list[int]) -> SampleBlock:
    return SampleBlock(np.array(rows, dtype=np.float32), np.array(offsets, dtype=np.int64))


def test_the_deviation_survives_a_large_mean() -> None:
    values = 1e8 + np.array([[[-1.0, 1.0, -1.0, 1.0]]])
    assert spread(values)["std"][0, 0] == pytest.approx(1.0)


def test_about_eight_percent_of_a_normal_distribution_are_nearly_zero() -> None:
    values = np.random.default_rng(0).normal(size=(1, 1, 100_000))
    assert near_zero(values, np.ones((1, 1)))[0, 0] == pytest.approx(0.0797, abs=3e-3)


def test_a_tensor_of_zeros_is_nearly_zero_throughout() -> None:
    assert near_zero(np.zeros((1, 1, 5)), np.zeros((1, 1)))[0, 0] == 1.0


def test_non_finite_entries_are_counted() -> None:
    values = np.array([[[1.0, np.nan, np.inf, 2.0], [1.0, 2.0, 3.0, 4.0]]])
    assert non_finite(values, values.mean(-1)).tolist() == [[0.5, 0.0]]


def test_a_bad_entry_that_the_sample_missed_shows_by_the_norm() -> None:
    share = at_least_one(np.zeros((1, 2)), np.array([[np.nan, 1.0]]), np.array([1000, 1000]))
    assert share.tolist() == [[0.001, 0.0]]


def test_gain_is_unknown_where_no_gradient_arrives() -> None:
    gains = backward_gain(np.array([[2.0, 4.0, 0.0]]), [None, 0, 1])
    np.testing.assert_array_equal(gains, [[np.nan, 0.5, np.nan]])


def test_the_update_ratio_is_the_change_over_the_weights_before_it() -> None:
    ratios = update_ratio(block([[3.0, 4.0], [3.0, 4.5], [3.0, 4.5]], [0, 2]))
    np.testing.assert_allclose(ratios, [[0.1], [0.0]])


def test_weights_that_begin_at_zero_have_no_update_ratio_at_first() -> None:
    ratios = update_ratio(block([[0.0, 0.0], [1.0, 0.0], [1.0, 1.0]], [0, 2]))
    np.testing.assert_array_equal(ratios, [[np.nan], [1.0]])


@pytest.mark.parametrize(
    ("activation", "at", "expected"),
    [
        (nn.Sigmoid(), 0.0, 0.0),
        (nn.Sigmoid(), 20.0, 1.0),
        (nn.Tanh(), 1.0, np.tanh(1.0) ** 2),
        (nn.ReLU(), -3.0, 1.0),
        (nn.LeakyReLU(0.1), -3.0, 0.9),
        (nn.Hardtanh(), 2.0, 1.0),
        (nn.Softplus(), 0.0, 0.5),
        (nn.Identity(), 5.0, 0.0),
        (nn.ELU(), 3.0, 0.0),
        (nn.SELU(), 3.0, 1 - 1 / 1.6732632),
    ],
)
def test_saturation_of_each_activation(activation: nn.Module, at: float, expected: float) -> None:
    saturation = Saturation({1: activation}, [None, 0]).measure(block([[at, at]], [0, 2, 4]))
    assert np.isnan(saturation[0, 0])
    assert saturation[0, 1] == pytest.approx(expected, abs=2e-3)


def test_only_units_that_never_fire_are_dead() -> None:
    network = nn.Sequential(nn.Linear(3, 4), nn.ReLU())
    with torch.no_grad():
        network[0].weight.copy_(torch.eye(4, 3))
        network[0].bias.copy_(torch.tensor([0.0, 0.0, -100.0, -100.0]))
    batches = torch.randn(512, 3).split(200)
    shares = dead_units(network, {1: network[1]}, 2, batches)
    np.testing.assert_array_equal(shares, [np.nan, 0.5])


def test_a_convolution_has_a_unit_per_channel() -> None:
    network = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU())
    with torch.no_grad():
        network[0].bias[1] = -1e3
    assert dead_units(network, {1: network[1]}, 2, [torch.randn(8, 1, 6, 6)])[1] == 0.25


def test_the_norm_of_sampled_weights_is_exact_at_first_and_then_follows_the_change() -> None:
    weights = np.random.default_rng(0).normal(size=4096)
    rows = np.stack([weights, 1.01 * weights, 3.0 * weights])
    samples = SampleBlock(rows[:, ::16].astype(np.float32), np.array([0, 256]))
    exact = np.linalg.norm(rows, axis=1)
    norms = weight_norm(exact[:1], samples, np.array([4096]))[:, 0]
    assert norms[0] == exact[0]
    np.testing.assert_allclose(norms[1], exact[1], rtol=0.003)  # the sample alone is 4 % off
    np.testing.assert_allclose(norms[2], exact[2], rtol=0.15)


def test_the_norm_of_weights_that_are_sampled_whole_is_exact() -> None:
    samples = block([[0.0, 0.0], [3.0, 4.0], [0.0, 0.0]], [0, 0, 2])
    norms = weight_norm(np.array([np.nan, 0.0]), samples, np.array([0, 2]))
    np.testing.assert_allclose(norms[:, 1], [0.0, 5.0, 0.0])
    assert np.isnan(norms[:, 0]).all()


def test_samples_of_one_size_are_grouped_wherever_they_lie() -> None:
    rows = block([[1.0, 2.0, 3.0, 4.0, 5.0]], [0, 2, 3, 3, 5])
    found = {tuple(members): values.tolist() for members, values in rows.groups()}
    assert found == {(1,): [[[3.0]]], (0, 3): [[[1.0, 2.0], [4.0, 5.0]]]}
