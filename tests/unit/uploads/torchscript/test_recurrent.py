"""Recurrent layers can be unrolled for the gradient at each time step."""

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor, nn

from tests.support.torchscript import archive_of, rebuilt, scripted, traced
from tests.support.zoo import ZOO
from workers.probes.quantities.through_time import ThroughTime
from workers.uploads.torchscript import rebuild

RECURRENT = ["lstm", "gru", "rnn"]
pytestmark = pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")


def tapped(network: nn.Module) -> dict[str, nn.Module]:
    return {name: module for name, module in network.named_modules() if hasattr(module, "time_tap")}


@pytest.mark.parametrize("name", RECURRENT)
def test_only_the_recurrent_module_has_a_tap(name: str) -> None:
    network, inputs = ZOO[name]()
    for archive in (archive_of(scripted(network)), archive_of(traced(network, inputs))):
        assert list(tapped(rebuild(archive))) == ["recurrent"]


@pytest.mark.parametrize("name", [*RECURRENT, "lstm_with_projections"])
def test_an_unrolled_network_computes_the_same_up_to_rounding(name: str) -> None:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    copy = rebuilt(network.eval())
    fused = copy(inputs)
    taken: list[Sequence[Tensor]] = []
    copy.recurrent.time_tap = taken.append
    unrolled = copy(inputs)
    copy.recurrent.time_tap = None
    torch.testing.assert_close(unrolled, fused)
    (states,) = taken
    assert len(states) == 7
    assert all(state.shape == (3, 3 if "projections" in name else 6) for state in states)


@pytest.mark.parametrize("name", [*RECURRENT, "lstm_with_projections"])
def test_gradients_of_an_unrolled_network_are_the_same_up_to_rounding(name: str) -> None:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    copy = rebuilt(network.eval())
    parameters = list(copy.parameters())
    fused = torch.autograd.grad(copy(inputs).square().sum(), parameters)
    copy.recurrent.time_tap = lambda states: None
    unrolled = torch.autograd.grad(copy(inputs).square().sum(), parameters)
    for one, other in zip(fused, unrolled, strict=True):
        torch.testing.assert_close(one, other, rtol=1e-4, atol=1e-6)


def test_the_probe_measures_the_gradient_at_each_step() -> None:
    torch.manual_seed(0)
    copy = rebuilt(ZOO["lstm"]()[0])
    inputs = torch.randn(3, 7, 4)
    probe = ThroughTime(copy, tapped(copy))
    probe.measure(0, lambda: copy(inputs).square().sum(), None)
    profile = probe.profiles()["recurrent"]
    assert copy.recurrent.time_tap is None
    (norms,) = profile.norms if hasattr(profile, "norms") else profile[1]
    assert len(norms) == 7
    assert (norms > 0.0).all()
