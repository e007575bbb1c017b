"""Where the gradient becomes exactly zero: the ledger names the culprit, and only it."""

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.models.requests import HEAD, network, plan, spec
from tests.unit.probes.ledgers import ARCHITECTURES, VECTOR, Written, activation, linear, of_spec, taken
from tests.unit.probes.networks import layer_infos
from workers.models import layer_infos as planned_infos


def dead_layer(bias: float) -> list[Written]:
    dead = linear(bias_init={"name": "constant", "value": bias})
    return [linear(), activation("relu"), dead, activation("relu"), linear(), activation("relu"), HEAD]


def test_a_dead_layer_is_the_culprit_and_what_lies_below_is_not_listed() -> None:
    culprit, starved = of_spec(*dead_layer(-50.0), data=VECTOR).zeros

    assert (culprit.layer, culprit.cause, culprit.parameter) == ("3", "activation", None)
    assert (starved.layer, starved.parameter) == ("4", "4.weight"), "for it takes in zeros only"


def test_a_zero_scale_is_told_from_a_dead_layer() -> None:
    block = {"op": "residual", "layers": [linear(), activation("relu")], "scale": {"learned": 0.0}}
    found = of_spec(linear(), block, block, HEAD, data=VECTOR)

    assert [(z.layer, z.cause) for z in found.zeros] == [("2", "scale"), ("1", "scale")]
    assert np.isfinite(found.log_norms[0, 0]), "the shortcut carries it"


def test_inputs_of_zeros_starve_the_first_weights_only() -> None:
    model, data = spec(linear(), activation("tanh"), HEAD), VECTOR
    net, infos = network(model, data), planned_infos(plan(model, data))
    found = taken(net, infos, torch.zeros(16, 6), torch.randint(3, (16,)))

    assert [(z.layer, z.parameter) for z in found.zeros] == [("0", "0.weight")]


class TimesZero(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs * torch.zeros(())


def test_what_lies_between_measured_layers_is_no_layer_s_fault() -> None:
    net = nn.Sequential(nn.Linear(12, 8), TimesZero(), nn.Tanh(), nn.Linear(8, 4))
    culprit = taken(net, layer_infos(net), torch.randn(16, 12), torch.randint(4, (16,))).zeros[0]

    assert (culprit.layer, culprit.cause) == (None, "scale")


@pytest.mark.parametrize("name", ["lstm", "gru", "rnn", "residual_batch_norm"])
def test_a_healthy_network_has_no_culprit(name: str) -> None:
    layers, data = ARCHITECTURES[name]

    assert of_spec(*layers, data=data).zeros == ()
