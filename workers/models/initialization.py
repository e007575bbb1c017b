"""First values of weights and biases: one function per initialiser of the contract."""

import hashlib
import math
from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Generator, Tensor
from torch.nn import init

from service.contract.base import Contract
from service.contract.layers import initializers as specs

Fill = Callable[[Tensor, Generator], object]
"""Sets a tensor's values in place."""


def seeded_generator(seed: int, name: str) -> Generator:
    """A source of random numbers of a layer's own."""
    digest = hashlib.sha256(f"{seed}/{name}".encode()).digest()
    return Generator().manual_seed(int.from_bytes(digest[:8]) >> 1)


def fans(weight: Tensor) -> tuple[int, int]:
    """(fan_in, fan_out): inputs to one output and outputs from one input, kernel positions included."""
    positions = math.prod(weight.shape[2:])
    return weight.shape[1] * positions, weight.shape[0] * positions


def uniform_within(bound: float) -> Fill:
    """U(-bound, bound)."""
    return lambda tensor, generator: init.uniform_(tensor, -bound, bound, generator)


def standard_normal(tensor: Tensor, generator: Generator) -> None:
    """N(0, 1), PyTorch's default for embeddings."""
    init.normal_(tensor, 0.0, 1.0, generator)


def fan_in_uniform(weight: Tensor) -> Fill:
    """U(±1/√fan_in), PyTorch's default for the weights and biases of linear and convolutional layers."""
    return uniform_within(1.0 / math.sqrt(fans(weight)[0]))


def initialize(tensor: Tensor, spec: Contract, default: Fill, generator: Generator, blocks: int = 1) -> None:
    """Fill `tensor` as `spec` says; `default` is what `torch_default` means for it.

    The rows are split evenly into `blocks`, each filled by itself: a gate, or a projection, has the fan-out
    (and the orthogonality) of its own rows, not of the tensor that they are stored in.
    """
    with torch.no_grad():
        for block in tensor.chunk(blocks):
            if isinstance(spec, specs.TorchDefault):
                default(block, generator)
            else:
                _FILLS[type(spec)](block, spec, generator)


def initialize_weight_and_bias(
    weight: Tensor, bias: Tensor | None, spec: Any, generator: Generator, blocks: int = 1
) -> None:
    """Fill the weight and bias of a layer whose spec has `init` and `bias_init`."""
    default = fan_in_uniform(weight)
    initialize(weight, spec.init, default, generator, blocks)
    if bias is not None:
        initialize(bias, spec.bias_init, default, generator)


def freeze(parameters: Sequence[torch.nn.Parameter]) -> None:
    """Take parameters out of training."""
    for parameter in parameters:
        parameter.requires_grad_(False)


def _xavier_uniform(tensor: Tensor, spec: specs.XavierUniform, generator: Generator) -> None:
    bound = spec.gain * math.sqrt(6.0 / sum(fans(tensor)))
    init.uniform_(tensor, -bound, bound, generator)


def _xavier_normal(tensor: Tensor, spec: specs.XavierNormal, generator: Generator) -> None:
    init.normal_(tensor, 0.0, spec.gain * math.sqrt(2.0 / sum(fans(tensor))), generator)


def _he_uniform(tensor: Tensor, spec: specs.HeUniform, generator: Generator) -> None:
    bound = spec.gain * math.sqrt(3.0 / fans(tensor)[0])
    init.uniform_(tensor, -bound, bound, generator)


def _fan_in_normal(tensor: Tensor, spec: specs.HeNormal | specs.LecunNormal, generator: Generator) -> None:
    init.normal_(tensor, 0.0, spec.gain / math.sqrt(fans(tensor)[0]), generator)


def _orthogonal(tensor: Tensor, spec: specs.Orthogonal, generator: Generator) -> None:
    init.orthogonal_(tensor, spec.gain, generator)


def _identity(tensor: Tensor, spec: specs.Identity, _generator: Generator) -> None:
    if tensor.dim() == 2:
        init.eye_(tensor)
    else:
        init.dirac_(tensor)
    tensor.mul_(spec.gain)


def _normal(tensor: Tensor, spec: specs.Normal, generator: Generator) -> None:
    init.normal_(tensor, spec.mean, spec.std, generator)


def _uniform(tensor: Tensor, spec: specs.Uniform, generator: Generator) -> None:
    init.uniform_(tensor, spec.low, spec.high, generator)


def _zeros(tensor: Tensor, _spec: specs.Zeros, _generator: Generator) -> None:
    init.zeros_(tensor)


def _constant(tensor: Tensor, spec: specs.Constant, _generator: Generator) -> None:
    init.constant_(tensor, spec.value)


_FILLS: dict[type[Contract], Callable[[Tensor, Any, Generator], None]] = {
    specs.XavierUniform: _xavier_uniform,
    specs.XavierNormal: _xavier_normal,
    specs.HeUniform: _he_uniform,
    specs.HeNormal: _fan_in_normal,
    specs.LecunNormal: _fan_in_normal,
    specs.Orthogonal: _orthogonal,
    specs.Identity: _identity,
    specs.Normal: _normal,
    specs.Uniform: _uniform,
    specs.Zeros: _zeros,
    specs.Constant: _constant,
}
