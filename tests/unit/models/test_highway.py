"""Highway blocks: a gate mixes a block with its own input."""

from typing import Any

import pytest
import torch
from pydantic import ValidationError

from tests.unit.models.requests import FLATTEN, HEAD, network, plan, spec, synthetic

LINEAR = {"op": "linear", "units": 6}
CONVOLUTION = {"op": "conv2d", "channels": 3}


def highway(bias: float, *layers: dict[str, Any]) -> dict[str, Any]:
    return {"op": "residual", "layers": list(layers or (LINEAR,)), "gate": {"bias": bias}}


@pytest.mark.parametrize("shape", [(6,), (5, 6)], ids=["vector", "sequence"])
def test_a_closed_gate_passes_the_input_on_and_an_open_one_the_layers(shape: tuple[int, ...]) -> None:
    inputs = torch.randn(2, *shape)
    closed, opened = (
        network(spec(highway(bias), FLATTEN, HEAD), synthetic(*shape)).get_submodule("0")
        for bias in (-100.0, 100.0)
    )
    assert torch.allclose(closed(inputs), inputs)
    assert torch.allclose(opened(inputs), opened.get_submodule("0")(inputs))


def test_a_gate_mixes_each_pixel_of_an_image_by_itself() -> None:
    block = network(spec(highway(-2.0, CONVOLUTION), FLATTEN, HEAD), synthetic(3, 4, 4)).get_submodule("0")
    inputs = torch.randn(2, 3, 4, 4)
    share = block.get_submodule("gate")(inputs).sigmoid().detach()
    mixed = share * block.get_submodule("0")(inputs) + (1 - share) * inputs
    assert torch.allclose(block(inputs), mixed, atol=1e-6)
    assert 0.05 < float(share.mean()) < 0.3


def test_the_plan_counts_the_parameters_of_the_gate() -> None:
    for data, layer in ((synthetic(6), LINEAR), (synthetic(3, 4, 4), CONVOLUTION)):
        model = spec(highway(-2.0, layer), FLATTEN, HEAD)
        built = network(model, data)
        assert plan(model, data).parameters == sum(p.numel() for p in built.parameters())


def test_freezing_a_highway_block_freezes_its_gate() -> None:
    built = network(spec({**highway(-2.0), "trainable": False}, HEAD), synthetic(6))
    assert not any(p.requires_grad for p in built.get_submodule("0.gate").parameters())
    assert built.get_parameter("0.0.weight").requires_grad


def test_a_gate_beside_a_projection_is_refused() -> None:
    with pytest.raises(ValidationError, match='needs "shortcut": "identity"'):
        plan(spec({**highway(-2.0), "shortcut": "projection"}, HEAD), synthetic(6))
