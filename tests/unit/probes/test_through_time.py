"""Gradients through time against autograd on a recurrence unrolled by hand."""

import copy

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.unit.probes.networks import LastHidden, rnn, seeded
from workers.probes.quantities.through_time import ThroughTime


def unrolled(cell: LastHidden, inputs: Tensor) -> list[Tensor]:
    h = torch.zeros(len(inputs), cell.bias.numel())
    states = []
    for t in range(inputs.shape[1]):
        pre = functional.linear(inputs[:, t], cell.weight_ih) + functional.linear(h, cell.weight_hh)
        h = torch.tanh(pre + cell.bias)
        states.append(h)
    return states


def test_the_norm_at_each_time_step_is_that_of_all_paths_to_the_loss() -> None:
    network, inputs, targets = seeded(rnn), torch.randn(16, 6, 5), torch.randint(4, (16,))
    through_time = ThroughTime(network, {"0": network[0]})
    through_time.measure(0, lambda: functional.cross_entropy(network(inputs), targets), None)
    states = unrolled(network[0], inputs)
    loss = functional.cross_entropy(network[1](states[-1]), targets)
    expected = [float(g.double().norm()) for g in torch.autograd.grad(loss, states)]
    profile = through_time.profiles()["0"]
    np.testing.assert_allclose(profile.norms, [expected], rtol=1e-5)
    assert profile.steps.tolist() == [0]


def test_the_loss_scale_is_divided_out() -> None:
    network, inputs, targets = seeded(rnn), torch.randn(16, 6, 5), torch.randint(4, (16,))
    through_time = ThroughTime(network, {"0": network[0]})
    for step, scale in enumerate((None, torch.tensor(1024.0))):
        through_time.measure(step, lambda: functional.cross_entropy(network(inputs), targets), scale)
    norms = through_time.profiles()["0"].norms
    np.testing.assert_allclose(norms[1], norms[0], rtol=1e-6)


def test_measuring_leaves_buffers_random_numbers_gradients_and_the_tap_as_they_were() -> None:
    network = nn.Sequential(LastHidden(5, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4)).train()
    inputs, targets = torch.randn(16, 6, 5), torch.randint(4, (16,))
    before, state = copy.deepcopy(network.state_dict()), torch.get_rng_state()
    through_time = ThroughTime(network, {"0": network[0]})
    through_time.measure(0, lambda: functional.cross_entropy(network(inputs), targets), None)
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert all(parameter.grad is None for parameter in network.parameters())
    assert network[0].time_tap is None
