"""Networks as people write them: layers that are shared, and operations that write to their input."""

import copy

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.unit.probes.test_recorder import record_step
from workers.probes import capture
from workers.probes.quantities.dead_units import dead_units
from workers.probes.survey import survey
from workers.probes.trace import LayerInfo
from workers.uploads.layers import describe_layers

STATISTICS = ("activation.norm", "backpropagated.norm", "backward.gain", "activation.saturation")


class Block(nn.Module):
    """A residual block as torchvision writes it, or the same without changes in place."""

    def __init__(self, channels: int, *, in_place: bool) -> None:
        super().__init__()
        self.in_place = in_place
        self.conv1 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn1 = nn.BatchNorm2d(channels)
        self.relu = nn.ReLU(inplace=in_place)
        self.conv2 = nn.Conv2d(channels, channels, 3, padding=1)
        self.bn2 = nn.BatchNorm2d(channels)
        self.last = self.relu if in_place else nn.ReLU()

    def forward(self, inputs: Tensor) -> Tensor:
        out = self.bn2(self.conv2(self.relu(self.bn1(self.conv1(inputs)))))
        if self.in_place:
            out += inputs
        else:
            out = out + inputs
        return self.last(out)  # type: ignore[no-any-return]


def residual_network(*, in_place: bool) -> nn.Sequential:
    torch.manual_seed(3)
    return nn.Sequential(
        nn.Conv2d(1, 6, 3),
        nn.ReLU(inplace=in_place),
        Block(6, in_place=in_place),
        Block(6, in_place=in_place),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(6, 3),
    )


def batch() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.randn(16, 1, 8, 8, generator=generator), torch.arange(16) % 3


@pytest.fixture(params=["kept", "hooked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setattr(capture, "KEPT_BYTES", {"cpu": 2**40 if request.param == "kept" else -1})
    return str(request.param)


def test_changes_in_place_and_shared_modules_do_not_change_what_is_measured(way: str) -> None:
    sloppy, clean = residual_network(in_place=True), residual_network(in_place=False)
    inputs, targets = batch()
    layers = describe_layers(sloppy, inputs)

    measured = record_step(sloppy, layers, inputs, targets)
    expected = record_step(clean, layers, inputs, targets)

    for name in STATISTICS:
        np.testing.assert_array_equal(measured[name].values, expected[name].values, err_msg=name)


def test_recording_leaves_the_weights_bit_equal(way: str) -> None:
    recorded, bare = residual_network(in_place=True), residual_network(in_place=True)
    inputs, targets = batch()

    record_step(recorded, describe_layers(recorded, inputs), inputs, targets)
    functional.cross_entropy(bare(inputs), targets).backward()
    torch.optim.SGD(bare.parameters(), lr=0.1).step()

    for (name, one), other in zip(recorded.named_parameters(), bare.parameters(), strict=True):
        assert torch.equal(one, other), name


class Relying(nn.Module):
    """Uses an activation for its effect on the input alone."""

    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 4)
        self.relu = nn.ReLU(inplace=True)
        self.last = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        hidden = self.first(inputs) * 2.0
        self.relu(hidden)
        return self.last(hidden)  # type: ignore[no-any-return]


def test_an_input_that_others_rely_on_being_changed_is_left_alone(way: str) -> None:
    torch.manual_seed(0)
    network = Relying()
    inputs, targets = torch.randn(8, 4), torch.arange(8) % 3
    layers = describe_layers(network, inputs)
    twin = copy.deepcopy(network)

    found = survey(network, layers, inputs)
    record_step(network, layers, inputs, targets)
    functional.cross_entropy(twin(inputs), targets).backward()
    torch.optim.SGD(twin.parameters(), lr=0.1).step()

    relu = [layer.name for layer in layers].index("relu")
    assert found.input_tap[relu] is None
    assert all(torch.equal(a, b) for a, b in zip(network.parameters(), twin.parameters(), strict=True))


def test_dead_units_of_a_shared_activation_are_those_of_its_first_call() -> None:
    class Shared(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.relu = nn.ReLU()

        def forward(self, inputs: Tensor) -> Tensor:
            return self.relu(self.relu(inputs)[:, :2])  # type: ignore[no-any-return]

    network = Shared()
    inputs = torch.tensor([[1.0, 1.0, -1.0, -1.0]] * 4)

    assert dead_units(network, {0: network.relu}, 1, [inputs])[0] == 0.5


def test_a_container_is_a_layer_only_if_it_computes_something_itself() -> None:
    network = residual_network(in_place=True)
    layers = {layer.name: layer for layer in describe_layers(network, batch()[0])}

    assert {name: layers[name].op for name in ("0", "1", "2", "2.relu", "2.bn2")} == {
        "0": "conv2d", "1": "activation", "2": "residual", "2.relu": "activation", "2.bn2": "batch_norm",
    }  # fmt: skip
    assert [name for name, layer in layers.items() if layer.on_spine] == ["0", "1", "2", "3", "4", "5", "6"]
    assert sum(layer.parameters for layer in layers.values()) == sum(p.numel() for p in network.parameters())
    assert layers["2"] == LayerInfo("2", "residual", None, 0, False, True, (6, 6, 6))
