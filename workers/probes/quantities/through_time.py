"""The gradient that reaches each time step of a recurrent layer: ‖∂loss/∂h_t‖ along all paths."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager

import numpy as np
import torch
from torch import Tensor, nn

from workers.probes.trace import TimeProfile


class ThroughTime:
    """Measures recurrent layers: modules with an attribute `time_tap` that, when set, is called with the
    hidden states h_1 … h_T of a forward pass.

    The unrolled recurrence equals the fused kernel only up to rounding and costs several steps. So the
    gradient is measured in a forward and backward pass of its own, beside the training step, which neither
    sees nor feels it: random numbers and buffers are put back. Source of the measure: Pascanu, Mikolov &
    Bengio 2013, §2.
    """

    def __init__(self, network: nn.Module, recurrent: Mapping[str, nn.Module]) -> None:
        self._network = network
        self._recurrent = recurrent
        self._steps: list[int] = []
        self._norms: dict[str, list[Tensor]] = {name: [] for name in recurrent}

    def measure(self, step: int, compute_loss: Callable[[], Tensor], scale: Tensor | None) -> None:
        """Measure at a step. `scale` multiplies the loss before the backward pass and is divided out
        again."""
        if not self._recurrent:
            return
        with undisturbed(self._network):
            loss, hidden = self._forward(compute_loss)
            flat = [h for states in hidden.values() for h in states]
            scaled = loss if scale is None else loss * scale
            norms = [_norm(g, loss.device) for g in torch.autograd.grad(scaled, flat, allow_unused=True)]
        start = 0
        for name, states in hidden.items():
            profile = torch.stack(norms[start : start + len(states)])
            self._norms[name].append(profile if scale is None else profile / scale)
            start += len(states)
        self._steps.append(step)

    def profiles(self) -> dict[str, TimeProfile]:
        """All that was measured, by layer; brings it to the host."""
        steps = np.array(self._steps, dtype=np.int64)
        return {
            name: TimeProfile(steps, torch.stack(rows).cpu().numpy())
            for name, rows in self._norms.items()
            if rows
        }

    def _forward(self, compute_loss: Callable[[], Tensor]) -> tuple[Tensor, dict[str, list[Tensor]]]:
        """The loss, and each recurrent layer's hidden states."""
        hidden: dict[str, list[Tensor]] = {}

        def tap(name: str) -> Callable[[Sequence[Tensor]], None]:
            return lambda states: hidden.__setitem__(name, list(states))

        for name, module in self._recurrent.items():
            module.time_tap = tap(name)  # type: ignore[assignment]
        try:
            return compute_loss(), hidden
        finally:
            for module in self._recurrent.values():
                module.time_tap = None  # type: ignore[assignment]


def _norm(gradient: Tensor | None, device: torch.device) -> Tensor:
    if gradient is None:
        return torch.zeros((), dtype=torch.float64, device=device)
    norm: Tensor = torch.linalg.vector_norm(gradient.detach(), dtype=torch.float64)
    return norm


@contextmanager
def undisturbed(network: nn.Module) -> Iterator[None]:
    """Put the random number generators and the network's buffers back afterwards."""
    devices = {t.device.index for t in network.parameters() if t.device.type == "cuda"}
    before = [(buffer, buffer.clone()) for buffer in network.buffers()]
    with torch.random.fork_rng(devices=[index for index in devices if index is not None]):
        yield
    with torch.no_grad():
        for buffer, value in before:
            buffer.copy_(value)
