"""Data-dependent initialisation: unit variance, and centred outputs."""

from collections.abc import Callable

import pytest
import torch
from torch import nn

from service.contract.training_plan import DataInitialization
from tests.unit.models.requests import FLATTEN, HEAD, plan, spec, synthetic
from tests.unit.probes.networks import Residual, TinyData, layer_infos, seeded
from workers.models import build_network
from workers.models import layer_infos as planned_infos
from workers.training import TrainingError
from workers.training.data_initialization import initialize_from_data

CPU = torch.device("cpu")
EVERYTHING = DataInitialization(samples=1000)


def adapted(network: nn.Module, data: TinyData, plan: DataInitialization = EVERYTHING) -> nn.Module:
    initialize_from_data(network, layer_infos(network), data, plan, 0, CPU)
    return network


def output_of(network: nn.Module, name: str, inputs: torch.Tensor) -> torch.Tensor:
    seen: list[torch.Tensor] = []
    handle = network.get_submodule(name).register_forward_hook(lambda *args: seen.append(args[2]))
    network(inputs)
    handle.remove()
    return seen[0].detach()


def mlp() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(12, 16), nn.Sigmoid(), nn.Linear(16, 16), nn.Sigmoid(), nn.Linear(16, 16), nn.Sigmoid(),
        nn.Linear(16, 4),
    )  # fmt: skip


def cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), nn.ReLU(), nn.Conv2d(6, 6, 3, padding=1), nn.ReLU(),
        nn.Flatten(), nn.Linear(6 * 16, 4),
    )  # fmt: skip


def residual() -> nn.Sequential:
    return nn.Sequential(nn.Linear(12, 8), Residual(nn.Linear(8, 8), nn.Tanh()), nn.Linear(8, 4))


NETWORKS: list[tuple[Callable[[], nn.Sequential], tuple[int, ...], list[str], int]] = [
    (mlp, (12,), ["0", "2", "4"], 1),
    (cnn, (2, 4, 4), ["0", "2"], 1),
    (residual, (12,), ["0", "1.layers.0"], 1),
]


@pytest.mark.parametrize(("build", "shape", "names", "axis"), NETWORKS, ids=["mlp", "cnn", "residual"])
def test_each_layer_but_the_last_has_unit_variance_and_centred_units(
    build: Callable[[], nn.Sequential], shape: tuple[int, ...], names: list[str], axis: int
) -> None:
    network, data = seeded(build), TinyData.of(shape)
    last = network[-1].weight.detach().clone()
    adapted(network, data)
    for name in names:
        units = output_of(network, name, data.train_inputs).movedim(axis, -1).flatten(0, -2)
        assert float(units.std(correction=0)) == pytest.approx(1.0, abs=1e-3)
        assert float(units.mean(0).abs().max()) < 1e-4
    assert torch.equal(network[-1].weight, last)


def test_without_centring_the_outputs_keep_their_direction() -> None:
    network, data = seeded(mlp), TinyData.of((12,))
    before = output_of(network, "0", data.train_inputs)
    adapted(network, data, DataInitialization(centred=False, samples=1000))
    after = output_of(network, "0", data.train_inputs)
    assert torch.allclose(after, before / before.std(correction=0), atol=1e-5)


def test_a_layer_without_bias_is_only_scaled() -> None:
    network = seeded(lambda: nn.Sequential(nn.Linear(12, 8, bias=False), nn.Sigmoid(), nn.Linear(8, 4)))
    data = TinyData.of((12,))
    adapted(network, data)
    assert float(output_of(network, "0", data.train_inputs).std(correction=0)) == pytest.approx(1.0, abs=1e-3)


def test_convolutions_over_time_are_centred_by_their_last_axis() -> None:
    layers = spec({"op": "conv1d", "channels": 5}, FLATTEN, HEAD)
    planned = plan(layers, synthetic(7, 3))
    network, data = build_network(planned, 0), TinyData.of((7, 3))
    initialize_from_data(network, planned_infos(planned), data, EVERYTHING, 0, CPU)
    units = output_of(network, "0", data.train_inputs).flatten(0, 1)
    assert float(units.mean(0).abs().max()) < 1e-4


def test_frozen_layers_and_layers_that_nothing_reaches_stay_as_they_are() -> None:
    network, data = seeded(mlp), TinyData.of((12,))
    network[2].weight.requires_grad_(False)
    nn.init.zeros_(network[4].weight)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    adapted(network, data, DataInitialization(samples=1000))
    after = network.state_dict()
    assert torch.equal(after["2.weight"], before["2.weight"])
    assert torch.isfinite(torch.cat([value.flatten() for value in after.values()])).all()


def test_a_network_with_an_output_layer_only_is_refused() -> None:
    with pytest.raises(TrainingError, match="before the last"):
        adapted(nn.Sequential(nn.Linear(12, 4)), TinyData.of((12,)))
