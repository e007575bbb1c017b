"""Linear layers, embeddings and positions."""

import math

import torch
from torch import Generator, Tensor, nn

from service.contract.expansion import PlannedLayer
from service.contract.layers.dense import Embedding, Linear, PositionalEncoding
from workers.models.initialization import initialize, initialize_weight_and_bias, standard_normal
from workers.models.registry import builds


@builds(Linear)
def _linear(spec: Linear, plan: PlannedLayer, generator: Generator) -> nn.Module:
    module = nn.Linear(plan.given.features, plan.output.features, bias=spec.bias)
    initialize_weight_and_bias(module.weight, module.bias, spec, generator)
    return module


@builds(Embedding)
def _embedding(spec: Embedding, plan: PlannedLayer, generator: Generator) -> nn.Module:
    module = nn.Embedding(plan.given.vocabulary or 0, spec.units)
    initialize(module.weight, spec.init, standard_normal, generator)
    return module


class AddedPositions(nn.Module):
    """Adds a vector per time step to a sequence (batch, time, features)."""

    vectors: Tensor

    def __init__(self, vectors: Tensor, *, learned: bool) -> None:
        super().__init__()
        if learned:
            self.vectors = nn.Parameter(vectors)
        else:
            self.register_buffer("vectors", vectors)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.vectors


def sinusoids(time: int, features: int) -> Tensor:
    """(time, features): sines and cosines by turns (Vaswani et al. 2017, §3.5)."""
    frequencies = torch.exp(torch.arange(0, features, 2) * (-math.log(10_000.0) / features))
    angles = torch.arange(time).unsqueeze(1) * frequencies
    return torch.stack((angles.sin(), angles.cos()), dim=2).flatten(1)[:, :features]


@builds(PositionalEncoding)
def _positional_encoding(spec: PositionalEncoding, plan: PlannedLayer, generator: Generator) -> nn.Module:
    if spec.encoding == "sinusoidal":
        return AddedPositions(sinusoids(*plan.given.shape), learned=False)
    vectors = torch.empty(plan.given.shape)
    initialize(vectors, spec.init, standard_normal, generator)
    return AddedPositions(vectors, learned=True)
