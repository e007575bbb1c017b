"""Saturation: how much of an activation's derivative is lost at the inputs that it really gets."""

import copy
import math
from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from workers.probes.samples import SampleBlock
from workers.probes.trace import FloatArray


class Saturation:
    """1 − mean |φ'(z)| / max |φ'| over the layer's inputs z.

    The derivative is asked of the layer itself by autograd, so a new activation needs no entry in a table.
    It is 0 for the identity, about 0.5 for ReLU with centred inputs (half the units are off), and near 1
    where hardly any gradient passes. Thresholds on |z| instead miss nearly all saturation.
    """

    def __init__(self, activations: dict[int, nn.Module], input_tap: Sequence[int | None]) -> None:
        """`activations` are the activation layers' modules, by layer index."""
        self._layers = len(input_tap)
        self._members: dict[str, list[tuple[int, int]]] = {}
        self._functions: dict[str, _Derivative] = {}
        for layer, module in activations.items():
            tap = input_tap[layer]
            if tap is not None:
                kind = _kind(module)
                self._members.setdefault(kind, []).append((layer, tap))
                self._functions.setdefault(kind, _Derivative(module))

    def measure(self, outputs: SampleBlock) -> FloatArray:
        """(k, layers) from samples at k steps; NaN for layers that are no activation."""
        saturation = np.full((len(outputs.values), self._layers), np.nan)
        for kind, members in self._members.items():
            samples = [outputs.of(tap) for _, tap in members]
            relative = self._functions[kind].relative(np.concatenate(samples, axis=1))
            ends = np.cumsum([sample.shape[1] for sample in samples])
            for (layer, _), part in zip(members, np.split(relative, ends[:-1], axis=1), strict=True):
                saturation[:, layer] = 1.0 - part.mean(axis=1, dtype=np.float64)
        return saturation


def _kind(module: nn.Module) -> str:
    """Equal for modules that compute the same; an uploaded network's modules do not say what they compute."""
    return repr(module) if type(module).__module__.startswith("torch.nn.") else str(id(module))


class _Derivative:
    """|φ'| / max |φ'| of an elementwise activation; NaN for one that is not (softmax), or that cannot be
    called with a tensor alone."""

    def __init__(self, module: nn.Module) -> None:
        self._module = copy.deepcopy(module).cpu()
        near = torch.logspace(-6, 1.5, 2000)
        self._largest = float(self._at(torch.cat([-near, near])).max())

    def relative(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        values: NDArray[np.float32] = (self._at(torch.from_numpy(inputs)) / self._largest).numpy()
        return values

    def _at(self, inputs: Tensor) -> Tensor:
        leaf = inputs.detach().clone().requires_grad_()
        with torch.enable_grad():
            try:
                outputs = self._module(leaf.clone())  # it may write to its input
                (derivative,) = torch.autograd.grad(outputs.sum(), leaf)
            except (RuntimeError, TypeError, IndexError):
                return torch.full_like(inputs, math.nan)
        return derivative.abs()
