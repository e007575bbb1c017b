"""Frozen archives have constants in place of parameters, and no modules."""

import copy

import pytest
import torch
from torch import nn

from tests.support.torchscript import archive_of, frozen, loaded, scripted, total, traced
from tests.support.zoo import ZOO
from workers.uploads.torchscript import rebuild


def frozen_archive(name: str, form: str) -> tuple[bytes, nn.Module, torch.Tensor]:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    network.eval()
    script = scripted(network) if form == "script" else traced(network, inputs)
    return archive_of(frozen(script)), network, inputs


@pytest.mark.parametrize("form", ["script", "trace"])
@pytest.mark.parametrize(
    "name",
    [
        "mlp",
        "cnn",
        "residual",
        "lstm",
        "lstm_with_projections",
        "gru",
        "functional_layers",
        "tied",
        "containers",
        "transformer",
    ],
)
def test_a_frozen_network_computes_the_same_and_can_be_trained(name: str, form: str) -> None:
    archive, _, inputs = frozen_archive(name, form)
    network = rebuild(archive)
    with torch.no_grad(), torch.jit.optimized_execution(False):  # type: ignore[no-untyped-call]
        torch.testing.assert_close(
            total(network(inputs)), total(loaded(archive)(inputs)), rtol=1e-6, atol=1e-7
        )
    total(network(inputs)).backward()  # type: ignore[no-untyped-call]
    assert all(p.grad is not None for p in network.parameters())


def test_its_layers_are_named_like_operators_and_hold_their_weights() -> None:
    archive, original, _ = frozen_archive("mlp", "trace")
    network = rebuild(archive)
    assert [path for path, _ in network.named_modules()] == [
        "",
        "linear",
        "relu",
        "linear_1",
        "sigmoid",
        "linear_2",
    ]
    assert [path for path, _ in network.named_parameters()] == [
        f"linear{number}.{kind}" for number in ("", "_1", "_2") for kind in ("weight", "bias")
    ]
    values = zip(network.parameters(), original.parameters(), strict=True)
    assert all(torch.equal(thawed, parameter) for thawed, parameter in values)


def test_weights_of_projections_have_their_names() -> None:
    network = rebuild(frozen_archive("lstm_with_projections", "script")[0])
    names = [path for path, _ in network.named_parameters()]
    kinds = ("weight_ih", "weight_hh", "bias_ih", "bias_hh", "weight_hr")
    assert names[:5] == [f"lstm.{kind}_l0" for kind in kinds]
    assert names[5:10] == [f"lstm.{kind}_l0_reverse" for kind in kinds]


def test_recurrent_weights_have_their_names() -> None:
    network = rebuild(frozen_archive("gru", "script")[0])
    assert [path for path, _ in network.named_parameters()][:8] == [
        f"gru.{kind}_l0{direction}"
        for direction in ("", "_reverse")
        for kind in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    ]
    assert network.gru.time_tap is None


def test_statistics_of_a_normalisation_are_buffers() -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.ReLU(), nn.BatchNorm1d(4), nn.Linear(4, 2)).eval()
    network(torch.randn(8, 4))
    thawed = rebuild(archive_of(frozen(scripted(network))))
    assert [path for path, _ in thawed.named_buffers()] == [
        "batch_norm.running_mean",
        "batch_norm.running_var",
    ]
    assert {"batch_norm.weight", "batch_norm.bias"} <= dict(thawed.named_parameters()).keys()


def test_a_constant_that_is_used_twice_is_one_parameter() -> None:
    network = rebuild(frozen_archive("tied", "trace")[0])
    twin = copy.deepcopy(network)
    for net in (network, twin):
        assert net.embedding.weight is net.linear_1.weight


def test_a_constant_of_an_operator_that_is_no_layer_is_a_parameter_of_the_module() -> None:
    network = rebuild(frozen_archive("transformer", "trace")[0])
    assert network.add_other.shape == (5, 8)


def test_constants_of_a_network_that_has_parameters_stay_constants() -> None:
    class Scaled(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.linear = nn.Linear(3, 3)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.linear(x) * torch.tensor([1.0, 2.0, 3.0])

    inputs = torch.randn(2, 3)
    network = rebuild(archive_of(traced(Scaled(), inputs)))
    assert [path for path, _ in network.named_parameters()] == ["linear.weight", "linear.bias"]
