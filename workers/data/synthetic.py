"""Made-up classes that can be learned."""

import math

import torch
from torch import Generator, Tensor

from service.contract.data_spec import SyntheticData
from workers.data.dataset import Dataset, split


def make_synthetic(data: SyntheticData, seed: int) -> Dataset:
    """Samples around one prototype per class; see SyntheticData for the distribution."""
    generator = torch.Generator().manual_seed(seed)
    balanced = torch.arange(data.samples) % data.classes
    labels = balanced[torch.randperm(data.samples, generator=generator)]
    make = _real_numbers if data.vocabulary is None else _tokens
    return split(make(data, labels, generator), labels, data.shape)


def _real_numbers(data: SyntheticData, labels: Tensor, generator: Generator) -> Tensor:
    prototypes = torch.randn(data.classes, *data.input_shape, generator=generator)
    noise = torch.randn(data.samples, *data.input_shape, generator=generator)
    return noise.mul_(data.noise).add_(prototypes[labels]).div_(math.hypot(1.0, data.noise))


def _tokens(data: SyntheticData, labels: Tensor, generator: Generator) -> Tensor:
    vocabulary = data.vocabulary or 1
    prototypes = torch.randint(vocabulary, (data.classes, *data.input_shape), generator=generator)
    any_tokens = torch.randint(vocabulary, (data.samples, *data.input_shape), generator=generator)
    kept = torch.rand(data.samples, *data.input_shape, generator=generator) < 1.0 / (1.0 + data.noise)
    return torch.where(kept, prototypes[labels], any_tokens)
