"""Networks written to archives, and rebuilt."""

import io
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from workers.uploads.torchscript import rebuild


@contextmanager
def quietly() -> Iterator[None]:
    """Without the warnings that TorchScript is deprecated: people still have archives."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def archive_of(script: Any) -> bytes:
    """What `torch.jit.save` writes."""
    file = io.BytesIO()
    with quietly():
        torch.jit.save(script, file)
    return file.getvalue()


def scripted(network: nn.Module) -> Any:
    """The network scripted."""
    with quietly():
        return torch.jit.script(network)


def traced(network: nn.Module, inputs: Tensor) -> Any:
    """The network traced."""
    with quietly():
        return torch.jit.trace(network, inputs, check_trace=False, strict=False)


def frozen(script: Any) -> Any:
    """A scripted or traced network with its parameters made constants."""
    with quietly():
        return torch.jit.freeze(script)


def loaded(archive: bytes) -> Any:
    """The archive as TorchScript runs it."""
    with quietly():
        return torch.jit.load(io.BytesIO(archive))


def rebuilt(network: nn.Module) -> nn.Module:
    """The network scripted, saved and rebuilt."""
    return rebuild(archive_of(scripted(network)))


def total(outputs: Any) -> Tensor:
    """A loss of any outputs, in which each element counts."""
    if isinstance(outputs, Tensor):
        return outputs.square().mean()
    if isinstance(outputs, Mapping):
        return total(list(outputs.values()))
    assert isinstance(outputs, Sequence)
    return sum((total(output) for output in outputs if output is not None), torch.zeros(()))


def loss_and_gradients(
    network: nn.Module, inputs: Tensor, seed: int
) -> tuple[Tensor, dict[str, Tensor | None]]:
    """Of one step."""
    torch.manual_seed(seed)
    network.zero_grad()
    loss = total(network(inputs))
    loss.backward()  # type: ignore[no-untyped-call]
    return loss.detach(), {name: p.grad for name, p in network.named_parameters()}


def assert_exact(archive: bytes, inputs: Tensor, steps: int = 2) -> None:
    """Loss and gradients of the rebuilt network are bit for bit those of TorchScript, more than once."""
    with quietly(), torch.jit.optimized_execution(False):  # type: ignore[no-untyped-call]
        script, network = loaded(archive), rebuild(archive)
        for seed in range(steps):
            expected_loss, expected = loss_and_gradients(script, inputs, seed)
            loss, gradients = loss_and_gradients(network, inputs, seed)
            assert torch.equal(loss, expected_loss)
            assert gradients.keys() == expected.keys()
            for name, gradient in gradients.items():
                wanted = expected[name]
                assert (gradient is None) == (wanted is None), name
                assert gradient is None or wanted is None or torch.equal(gradient, wanted), name
    for (name, value), (other, wanted) in zip(network.named_buffers(), script.named_buffers(), strict=True):
        assert name == other
        assert torch.equal(value, wanted), name
