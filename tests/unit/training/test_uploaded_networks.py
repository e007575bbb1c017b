"""Pre-training and initialisation of networks that nobody planned: their levels are found by watching."""

from collections.abc import Callable

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from service.contract.training_plan import TrainingPlan
from tests.unit.probes.networks import TinyData
from workers.training.adaptation import adapt
from workers.training.levels import levels_of
from workers.uploads.layers import describe_layers

CPU = torch.device("cpu")


class Functional(nn.Module):
    """Activations are calls, not modules."""

    def __init__(self) -> None:
        super().__init__()
        self.first, self.second, self.out = nn.Linear(12, 16), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = functional.relu_(self.first(inputs))
        outputs: Tensor = self.out(torch.sigmoid(self.second(hidden)))
        return outputs


class Block(nn.Module):
    def __init__(self, channels: int) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1, bias=False)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=True)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.relu(inputs + self.conv2(self.relu(self.bn1(self.conv1(inputs)))))
        return outputs


class ResNet(nn.Module):
    """Nested, with blocks whose inner layers are off the spine, and a mean that is a call."""

    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(2, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU())
        self.layers = nn.Sequential(Block(4), Block(4))
        self.head = nn.Linear(4, 4)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.layers(self.stem(inputs)).mean((2, 3)))
        return outputs


class Recurrent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embedding = nn.Embedding(9, 5)
        self.lstm = nn.LSTM(5, 6, num_layers=2, batch_first=True)
        self.head = nn.Linear(6, 4)

    def forward(self, tokens: Tensor) -> Tensor:
        states, _ = self.lstm(self.embedding(tokens))
        outputs: Tensor = self.head(states[:, -1])
        return outputs


def tokens() -> TinyData:
    given = torch.randint(0, 9, (80, 7), generator=torch.Generator().manual_seed(0))
    targets = given[:, -1] % 4
    return TinyData(given[:40], targets[:40], given[40:], targets[40:])


NETWORKS: dict[str, tuple[Callable[[], nn.Module], TinyData, list[str]]] = {
    "functional": (Functional, TinyData.of((12,)), ["first", "second", "out"]),
    "resnet": (ResNet, TinyData.of((2, 5, 5)), ["stem.0", "layers.0", "layers.1", "head"]),
    "recurrent": (Recurrent, tokens(), ["embedding", "head"]),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_the_levels_are_the_layers_with_weights_that_every_path_passes(name: str) -> None:
    build, data, expected = NETWORKS[name]
    network = build()
    layers = describe_layers(network, data.train_inputs[:8])
    levels = levels_of(network, layers)
    assert [level.name for level in levels] == expected
    assert {p for level in levels for p in level.parameters} == set(network.parameters())


@pytest.mark.parametrize("name", NETWORKS)
def test_pretraining_trains_all_of_it(name: str) -> None:
    build, data, _ = NETWORKS[name]
    torch.manual_seed(0)
    network = build()
    layers = describe_layers(network, data.train_inputs[:8])
    before = {key: value.clone() for key, value in network.named_parameters()}
    plan = TrainingPlan.model_validate({"pretraining": {"steps_per_level": 2}, "batch_size": 16})
    adapt(network, layers, data, plan, "cross_entropy", CPU, lambda *_: None)
    still = {key for key, value in network.named_parameters() if torch.equal(value, before[key])}
    assert not still


@pytest.mark.parametrize("name", ["functional", "resnet"])
def test_unit_variance_reaches_all_of_its_layers_but_the_last(name: str) -> None:
    build, data, _ = NETWORKS[name]
    torch.manual_seed(0)
    network = build()
    layers = describe_layers(network, data.train_inputs[:8])
    plan = TrainingPlan.model_validate({"initialization": {"samples": 1000}})
    adapt(network, layers, data, plan, "cross_entropy", CPU, lambda *_: None)
    spreads: dict[str, float] = {}

    def note(path: str) -> Callable[..., None]:
        def hook(_module: nn.Module, _args: object, output: Tensor) -> None:
            spreads[path] = float(output.detach().std(correction=0))

        return hook

    for path, module in network.named_modules():
        if isinstance(module, nn.Linear | nn.Conv2d):
            module.register_forward_hook(note(path))
    with torch.no_grad():
        network(data.train_inputs)
    *hidden, _last = spreads.values()
    assert hidden == pytest.approx([1.0] * len(hidden), abs=0.02)
