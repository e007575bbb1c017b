"""Changes of networks from files: what is replaced, and what the network then computes."""

import math
from typing import Any

import pytest
import torch
from pydantic import TypeAdapter
from torch import Tensor, nn

from service.contract.model_changes import ModelChange
from service.contract.model_spec import TorchScriptModel
from workers.models.over_time import BatchNormOverTime
from workers.models.residual import Residual
from workers.models.surgery import apply_changes
from workers.uploads.errors import InvalidUploadError
from workers.uploads.layers import describe_layers

_CHANGES: TypeAdapter[list[ModelChange]] = TypeAdapter(list[ModelChange])
VECTORS = torch.randn(16, 6, generator=torch.Generator().manual_seed(0))
IMAGES = torch.randn(16, 3, 5, 5, generator=torch.Generator().manual_seed(0))


class Forward(nn.Module):
    """Its own forward pass, as files have it; an activation on the outputs."""

    def __init__(self, *, inplace: bool = False) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.first, self.second, self.out = nn.Linear(6, 6), nn.Linear(6, 6), nn.Linear(6, 3)
        self.act1, self.act2 = (nn.SiLU(inplace=inplace) for _ in range(2))
        self.squash = nn.Sigmoid()

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.squash(self.out(self.act2(self.second(self.act1(self.first(inputs))))))
        return outputs


class Pictures(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.body = nn.Sequential(
            nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(inplace=True), nn.Conv2d(3, 3, 3, padding=1),
            nn.Dropout(0.1), nn.ReLU(inplace=True), nn.Conv2d(3, 4, 3), nn.ReLU(),
        )  # fmt: skip
        self.head = nn.Linear(4, 3)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.head(self.body(inputs).mean((2, 3)))
        return outputs


def changed(
    network: nn.Module, *changes: dict[str, Any], inputs: Tensor = VECTORS, seed: int = 0
) -> nn.Module:
    apply_changes(network, _CHANGES.validate_python(list(changes)), inputs, seed)
    return network


def classes(network: nn.Module) -> list[str]:
    return [type(module).__name__ for module in network.modules() if not list(module.children())]


@pytest.mark.parametrize("inplace", [False, True])
def test_hidden_activations_are_swapped_and_the_outputs_own_is_not(inplace: bool) -> None:
    network = changed(Forward(inplace=inplace), {"kind": "activation", "function": "relu"})
    assert [type(getattr(network, name)).__name__ for name in ("act1", "act2", "squash")] == [
        "ReLU", "ReLU", "Sigmoid",
    ]  # fmt: skip


def test_an_activation_that_is_used_twice_is_swapped_once() -> None:
    act = nn.Tanh()
    network = nn.Sequential(nn.Linear(6, 6), act, nn.Linear(6, 6), act, nn.Linear(6, 3))
    changed(network, {"kind": "activation", "function": "gelu"})
    assert network[1] is network[3]
    assert isinstance(network[1], nn.GELU)


def test_first_weights_are_drawn_from_the_seed_for_all_but_the_last_layer() -> None:
    network, again, other = (
        changed(Forward(), {"kind": "initialization", "init": "orthogonal"}, seed=seed) for seed in (1, 1, 2)
    )
    weight = network.get_parameter("first.weight").detach()
    assert torch.allclose(weight @ weight.T, torch.eye(6), atol=1e-5)
    assert (network.get_parameter("second.bias") == 0).all()
    assert torch.equal(weight, again.get_parameter("first.weight"))
    assert not torch.equal(weight, other.get_parameter("first.weight"))
    assert torch.equal(network.get_parameter("out.weight"), Forward().get_parameter("out.weight"))


@pytest.mark.parametrize("inplace", [False, True])
def test_a_normalisation_stands_before_each_hidden_activation(inplace: bool) -> None:
    network = changed(Forward(inplace=inplace), {"kind": "normalization", "norm": "batch_norm"}).train()
    seen: list[Tensor] = []
    network.get_submodule("act2.0").register_forward_hook(lambda *args: seen.append(args[2].clone()))
    network(VECTORS)
    assert torch.allclose(seen[0].mean(0), torch.zeros(6), atol=1e-5)
    assert classes(network).count("BatchNorm1d") == 2
    with pytest.raises(InvalidUploadError, match="without a normalisation"):
        changed(network, {"kind": "normalization", "norm": "batch_norm"})


def test_images_and_sequences_are_normalised_over_their_channels() -> None:
    network = changed(Pictures(), {"kind": "normalization", "norm": "batch_norm"}, inputs=IMAGES)
    assert classes(network).count("BatchNorm2d") == 3
    steps = nn.Sequential(nn.Linear(6, 5), nn.Dropout(0.1), nn.Tanh(), nn.Flatten(), nn.Linear(20, 3))
    changed(steps, {"kind": "normalization", "norm": "batch_norm"}, inputs=torch.randn(8, 4, 6))
    assert isinstance(steps[2][0], BatchNormOverTime)


@pytest.mark.parametrize("inplace", [False, True])
def test_a_shortcut_adds_the_input_to_what_it_goes_around(inplace: bool) -> None:
    plain = Forward(inplace=inplace)
    network = changed(Forward(inplace=inplace), {"kind": "shortcut"})

    def block(x: Tensor, linear: nn.Module) -> Tensor:
        return x + nn.functional.silu(linear(x)) / math.sqrt(2)

    expected = torch.sigmoid(plain.out(block(block(VECTORS, plain.first), plain.second)))
    assert torch.allclose(network(VECTORS), expected, atol=1e-6)


def test_rezero_blocks_start_as_the_identity_and_highway_blocks_almost() -> None:
    rezero = changed(Forward(), {"kind": "shortcut", "scale": {"learned": 0.0}})
    closed = changed(Forward(), {"kind": "shortcut", "gate": {"bias": -50.0}})
    expected = torch.sigmoid(Forward().out(VECTORS))
    assert torch.allclose(rezero(VECTORS), expected)
    assert torch.allclose(closed(VECTORS), expected, atol=1e-5)


@pytest.mark.parametrize("norm", ["none", "batch_norm", "pre_norm"])
@pytest.mark.parametrize("gate", [None, {"bias": -2.0}])
def test_shortcuts_of_every_kind_can_be_put_into_a_convolutional_network(
    norm: str, gate: dict[str, float] | None
) -> None:
    network = changed(Pictures(), {"kind": "shortcut", "norm": norm, "gate": gate}, inputs=IMAGES)
    blocks = [module for module in network.modules() if isinstance(module, Residual)]
    assert len(blocks) == 2
    network(IMAGES).sum().backward()
    assert all(p.grad is not None for p in network.parameters())


def test_changes_follow_one_another_and_the_network_can_still_be_measured() -> None:
    network = changed(
        Forward(),
        {"kind": "activation", "function": "tanh"},
        {"kind": "initialization", "init": "xavier_normal"},
        {"kind": "normalization", "norm": "layer_norm"},
        {"kind": "shortcut"},
    )
    ops = [layer.op for layer in describe_layers(network, VECTORS)]
    assert ops.count("residual") == 2
    assert ops.count("layer_norm") == 2


def test_everything_frozen_is_thawed() -> None:
    network = Forward()
    network.first.requires_grad_(False)
    changed(network, {"kind": "unfreeze"})
    assert all(parameter.requires_grad for parameter in network.parameters())


def test_it_draws_nothing_from_the_global_random_numbers() -> None:
    network, state = Forward(), torch.get_rng_state()
    changed(network, {"kind": "initialization", "init": "he_normal"}, {"kind": "shortcut", "gate": {}})
    assert torch.equal(torch.get_rng_state(), state)


NOTHING: list[tuple[nn.Module, dict[str, Any], str]] = [
    (nn.Sequential(nn.Linear(6, 3)), {"kind": "activation", "function": "relu"}, "no activation"),
    (nn.Sequential(nn.Linear(6, 3)), {"kind": "initialization", "init": "zeros"}, "before the last"),
    (
        nn.Sequential(nn.Linear(6, 3)),
        {"kind": "normalization", "norm": "layer_norm"},
        "no activation of its own",
    ),
    (
        nn.Sequential(nn.Linear(6, 5), nn.Tanh(), nn.Linear(5, 3)),
        {"kind": "shortcut"},
        "gives back the shape",
    ),
    (nn.Sequential(nn.Linear(6, 3)), {"kind": "unfreeze"}, "no parameter is frozen"),
]


@pytest.mark.parametrize(("network", "change", "reason"), NOTHING, ids=[case[1]["kind"] for case in NOTHING])
def test_a_change_that_finds_nothing_says_so(network: nn.Module, change: dict[str, Any], reason: str) -> None:
    with pytest.raises(InvalidUploadError, match=reason):
        changed(network, change)


def test_the_changes_are_part_of_the_request() -> None:
    written = {"checkpoint": "sha256:" + "0" * 64, "changes": [{"kind": "shortcut", "gate": {"bias": -2.0}}]}
    model = TorchScriptModel.model_validate(written)
    assert TorchScriptModel.model_validate_json(model.model_dump_json()) == model
