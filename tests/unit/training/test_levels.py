"""What the levels of a network are, and where a forward pass can be stopped."""

import pytest
import torch
from torch import nn

from tests.unit.models.requests import FLATTEN, HEAD, plan, spec, synthetic
from tests.unit.probes.networks import Residual, layer_infos
from workers.models import build_network
from workers.models import layer_infos as planned_infos
from workers.training import TrainingError
from workers.training.levels import given_to, levels_of, made_by

LINEAR = {"op": "linear", "units": 6}
TANH = {"op": "activation", "function": "tanh"}
NORM = {"op": "batch_norm"}


def levels(*layers: dict[str, object], data: dict[str, object] | None = None) -> list[tuple[str, int]]:
    planned = plan(spec(*layers), data or synthetic(5))
    network = build_network(planned, 0)
    return [(level.name, len(level.parameters)) for level in levels_of(network, planned_infos(planned))]


def test_each_layer_with_weights_begins_a_level_and_normalisations_belong_to_it() -> None:
    assert levels(LINEAR, NORM, TANH, LINEAR, TANH, HEAD) == [("0", 4), ("3", 2), ("5", 2)]


def test_a_residual_block_is_one_level() -> None:
    block = {"op": "residual", "layers": [LINEAR, TANH, LINEAR]}
    assert levels(LINEAR, block, HEAD) == [("0", 2), ("1", 4), ("2", 2)]


def test_an_embedding_belongs_to_the_level_above_it() -> None:
    data = synthetic(4, vocabulary=9)
    assert levels({"op": "embedding", "units": 3}, FLATTEN, LINEAR, HEAD, data=data) == [("0", 3), ("3", 2)]


def test_a_frozen_layer_is_a_level_with_nothing_to_train() -> None:
    assert levels(LINEAR, {**LINEAR, "trainable": False}, HEAD) == [("0", 2), ("1", 0), ("2", 2)]


def test_shared_weights_count_where_they_are_first_used() -> None:
    shared = nn.Linear(5, 5)
    network = nn.Sequential(shared, nn.Tanh(), shared, nn.Linear(5, 2))
    assert [level.name for level in levels_of(network, layer_infos(network))] == ["0", "3"]


def test_what_a_layer_is_given_and_what_it_makes_is_what_a_whole_pass_shows() -> None:
    network = nn.Sequential(nn.Linear(5, 6), Residual(nn.Linear(6, 6), nn.Tanh()), nn.Linear(6, 2))
    inputs = torch.randn(3, 5)
    assert torch.equal(given_to(network, network[2], inputs), network[1](network[0](inputs)))
    assert torch.equal(made_by(network, network[1], inputs), network[1](network[0](inputs)))


def test_the_pass_ends_there_and_leaves_no_hook_behind() -> None:
    class Fails(nn.Module):
        def forward(self, inputs: torch.Tensor) -> torch.Tensor:
            raise AssertionError("it should not get here")

    network = nn.Sequential(nn.Linear(5, 6), Fails())
    given_to(network, network[1], torch.randn(3, 5))
    assert not network[1]._forward_pre_hooks


def test_a_layer_that_is_never_reached_is_an_error() -> None:
    network = nn.Sequential(nn.Linear(5, 6))
    with pytest.raises(TrainingError, match="does not reach"):
        given_to(network, nn.Linear(1, 1), torch.randn(3, 5))
