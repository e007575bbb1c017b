"""How the outputs of layers and the gradients that reach them are got hold of in a training step.

Small networks spend their time in Python, so there the outputs are kept until the backward pass is over and
all their gradients are asked of autograd at once: cheaper than a hook per tensor. Large tensors must not be
kept: they are measured inside hooks, at once.
"""

from collections.abc import Sequence
from functools import partial
from typing import Protocol

import torch
from torch import Tensor, nn
from torch.utils.hooks import RemovableHandle

from workers.probes.norms import NormLog
from workers.probes.samples import SampleLog
from workers.probes.survey import Survey

KEPT_BYTES = {"cpu": 4 * 2**20, "cuda": 256 * 2**20}
"""Largest activations that are kept. On a CPU, larger ones cost page faults: up to 1.4 of a step."""


class TapLog:
    """Where the captured tensors' norms and samples go: forward values and gradients, tap by tap."""

    def __init__(self, values: tuple[NormLog, SampleLog], gradients: tuple[NormLog, SampleLog]) -> None:
        self.values = values
        self.gradients = gradients


class Capture(Protocol):
    """Gets hold of the tapped tensors of one step."""

    def attach(self) -> None:
        """Watch forward passes from now on."""

    def detach(self) -> None:
        """Stop watching."""

    def backward(self, loss: Tensor) -> None:
        """Leave the gradient of `loss` in each parameter's `grad`, as `loss.backward()` does, bit by bit."""

    def record(self, row: int) -> None:
        """Write this step's measurements into `row` and let go of all tensors."""


def choose_capture(survey: Survey, parameters: Sequence[nn.Parameter], log: TapLog, device: str) -> Capture:
    if survey.bytes <= KEPT_BYTES.get(device, KEPT_BYTES["cpu"]):
        return KeepingCapture(survey, parameters, log)
    return HookCapture(survey, log)


class _ForwardHooks:
    """Forward hooks on every tapped module; `seen(tap, tensor)` is called with what passes."""

    def __init__(self, survey: Survey) -> None:
        self._survey = survey
        self._handles: list[RemovableHandle] = []

    def attach(self) -> None:
        if not self._handles:
            self._handles = self._survey.wiring.attach(self.seen)

    def detach(self) -> None:
        for handle in self._handles:
            handle.remove()
        self._handles.clear()

    def seen(self, tap: int, tensor: Tensor) -> None:
        raise NotImplementedError


class KeepingCapture(_ForwardHooks):
    """Keeps the tapped tensors until their gradients are there."""

    def __init__(self, survey: Survey, parameters: Sequence[nn.Parameter], log: TapLog) -> None:
        super().__init__(survey)
        self._parameters = list(parameters)
        self._log = log
        self._values: list[Tensor | None] = [None] * len(survey.entries)
        self._gradients: list[Tensor | None] = [None] * len(survey.entries)

    def seen(self, tap: int, tensor: Tensor) -> None:
        self._values[tap] = tensor

    def backward(self, loss: Tensor) -> None:
        tapped = [(tap, t) for tap, t in enumerate(self._values) if t is not None and t.requires_grad]
        wanted = [*self._parameters, *(tensor for _, tensor in tapped)]
        found = torch.autograd.grad(loss, wanted, allow_unused=True)
        for parameter, gradient in zip(self._parameters, found, strict=False):
            parameter.grad = _laid_out_like(parameter, gradient)
        for (tap, _), gradient in zip(tapped, found[len(self._parameters) :], strict=True):
            self._gradients[tap] = gradient

    def record(self, row: int) -> None:
        kinds = ((self._log.values, self._values), (self._log.gradients, self._gradients))
        for (norms, samples), tensors in kinds:
            norms.write(row, tensors)
            samples.write(row, tensors)
            tensors[:] = [None] * len(tensors)


def _laid_out_like(parameter: nn.Parameter, gradient: Tensor | None) -> Tensor | None:
    """The gradient in the parameter's memory layout, as `backward` gives it: the order of sums depends on
    it."""
    if gradient is None or gradient.stride() == parameter.stride():
        return gradient
    return torch.empty_like(parameter).copy_(gradient)


class HookCapture(_ForwardHooks):
    """Measures each tensor as it passes and keeps none."""

    def __init__(self, survey: Survey, log: TapLog) -> None:
        super().__init__(survey)
        self._log = log
        taps = len(survey.entries)
        self._norms: tuple[list[Tensor | None], list[Tensor | None]] = ([None] * taps, [None] * taps)
        self._samples: tuple[list[Tensor | None], list[Tensor | None]] = ([None] * taps, [None] * taps)
        self._gradient_hooks = [partial(self._measure, 1, tap) for tap in range(taps)]

    def seen(self, tap: int, tensor: Tensor) -> None:
        self._measure(0, tap, tensor.detach())
        if tensor.requires_grad:
            tensor.register_hook(self._gradient_hooks[tap])  # type: ignore[no-untyped-call]

    def backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    def record(self, row: int) -> None:
        for kind, (norms, samples) in enumerate((self._log.values, self._log.gradients)):
            norms.write_each(row, self._norms[kind])
            samples.write_copies(row, self._samples[kind])
            self._norms[kind][:] = [None] * len(self._norms[kind])
            self._samples[kind][:] = [None] * len(self._samples[kind])

    def _measure(self, kind: int, tap: int, tensor: Tensor) -> None:
        """Of a tensor that is part of no graph."""
        norms, samples = self._log.values if kind == 0 else self._log.gradients
        self._norms[kind][tap] = norms.norm_of(tap, tensor)
        self._samples[kind][tap] = samples.view(tap, tensor).clone()
