"""Networks exported to `.pt2` archives."""

from io import BytesIO
from typing import Any

import torch
from torch import Tensor, nn


def export(network: nn.Module, example: Tensor, *, dynamic: bool = True) -> torch.export.ExportedProgram:
    shapes = ({0: torch.export.Dim("batch")},) if dynamic else None
    return torch.export.export(network, (example,), dynamic_shapes=shapes)


def saved(program: torch.export.ExportedProgram) -> BytesIO:
    buffer = BytesIO()
    torch.export.save(program, buffer)
    return buffer


def flat(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    items = value.values() if isinstance(value, dict) else value
    return [tensor for item in items for tensor in flat(item)]


def step(network: nn.Module, inputs: Tensor) -> tuple[list[Tensor], dict[str, Tensor | None]]:
    """Outputs and gradients of one training step with fixed randomness."""
    torch.manual_seed(3)
    network.zero_grad()
    outputs = flat(network(inputs))
    torch.stack([output.float().square().sum() for output in outputs]).sum().backward()
    return outputs, {name: parameter.grad for name, parameter in network.named_parameters()}


def assert_same(ours: nn.Module, theirs: nn.Module, inputs: Tensor) -> None:
    for _ in range(2):  # the second step sees what the first one did to buffers
        (outputs, gradients), (expected, expected_gradients) = step(ours, inputs), step(theirs, inputs)
        assert all(map(torch.equal, outputs, expected))
        assert set(gradients) == set(expected_gradients)
        for name, gradient in gradients.items():
            other = expected_gradients[name]
            assert gradient is other or (
                gradient is not None and other is not None and torch.equal(gradient, other)
            )
    buffers = dict(theirs.named_buffers())
    assert all(torch.equal(buffer, buffers[name]) for name, buffer in ours.named_buffers() if name in buffers)
