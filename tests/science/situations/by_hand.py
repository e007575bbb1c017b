"""What a model spec cannot express: networks and data made by hand, and training before the job."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor, nn

from tests.science.situations.expressible import plain, spec
from tests.science.situations.situation import Job
from workers.data import Dataset
from workers.probes.trace import LayerInfo
from workers.training.losses import loss_function

_FUNCTIONS: dict[type[nn.Module], str] = {nn.ReLU: "relu", nn.Tanh: "tanh", nn.Softmax: "softmax"}
_OPS: dict[type[nn.Module], str] = {
    nn.Linear: "linear",
    nn.Embedding: "embedding",
    nn.Flatten: "flatten",
    nn.Softmax: "softmax",
}


class CutGradient(nn.Module):
    """Lets values pass, and no gradient: a forgotten `detach`."""

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.detach()


class ScaleGradient(nn.Module):
    """The identity, whose gradient is multiplied by `factor`. At a network's end it does what a factor on the
    loss does to every gradient in the network."""

    def __init__(self, factor: float) -> None:
        super().__init__()
        self.factor = factor

    def forward(self, inputs: Tensor) -> Tensor:
        scaled = inputs * self.factor
        return scaled + (inputs - scaled).detach()


class PixelLevels(nn.Module):
    """The mean of one of 200 000 rows per pixel and grey level: most rows never get a gradient."""

    def __init__(self) -> None:
        super().__init__()
        self.rows = nn.Embedding(200_000, 16)
        self.head = nn.Linear(16, 10)

    def forward(self, images: Tensor) -> Tensor:
        pixels = images.flatten(1)
        levels = (pixels.clamp(-2, 2) * 4 + 8).long().clamp(0, 16)
        rows: Tensor = self.rows(torch.arange(pixels.shape[1]) * 17 + levels)
        logits: Tensor = self.head(rows.mean(1))
        return logits


def infos(network: nn.Module, inputs: Tensor) -> tuple[LayerInfo, ...]:
    """What is to be measured: the modules of kinds that are known, as one sample passes them."""
    found: list[LayerInfo] = []
    names = {module: name for name, module in network.named_modules()}

    def passed(module: nn.Module, _inputs: object, output: Tensor) -> None:
        own = list(module.parameters(recurse=False))
        found.append(
            LayerInfo(
                name=names[module],
                op=_OPS.get(type(module), "activation"),
                function=_FUNCTIONS.get(type(module)),
                parameters=sum(p.numel() for p in own),
                trainable=any(p.requires_grad for p in own),
                on_spine=True,
                output_shape=tuple(output.shape[1:]),
            )
        )

    handles = [m.register_forward_hook(passed) for m in names if type(m) in {**_OPS, **_FUNCTIONS}]
    with torch.no_grad():
        network(inputs[:1])
    for handle in handles:
        handle.remove()
    return tuple(found)


def with_network(job: Job, network: nn.Module) -> Job:
    """The same job with another network."""
    return replace(job, network=network, layers=infos(network, job.dataset.train_inputs))


def followed_by(job: Job, *modules: nn.Module) -> Job:
    """The same job with modules after the network's last layer."""
    return with_network(job, nn.Sequential(*flat(job.network), *modules))


def flat(network: nn.Module) -> list[nn.Module]:
    """The modules of nested sequences, in order."""
    if isinstance(network, nn.Sequential):
        return [module for child in network for module in flat(child)]
    return [network]


def cut_after(job: Job, linears: int) -> Job:
    """The same job, but no gradient gets past the given number of hidden layers."""
    modules = flat(job.network)
    position = [i for i, m in enumerate(modules) if isinstance(m, nn.Linear)][linears]
    return with_network(job, nn.Sequential(*modules[:position], CutGradient(), *modules[position:]))


def tied(seed: int, times: int, **training: Any) -> Job:
    """A relu network of `times` hidden layers that all have the same orthogonal weights."""
    job = spec(plain(times + 1, "relu", {"name": "orthogonal", "gain": 2**0.5}), seed, **training)
    linears = [m for m in flat(job.network) if isinstance(m, nn.Linear)]
    for layer in linears[2:-1]:
        layer.weight, layer.bias = linears[1].weight, linears[1].bias
    return job


def pretrained(
    job: Job, steps: int, learning_rate: float, *, adam: bool = False, momentum: float = 0.9
) -> Job:
    """The same job after some training, in place, that nobody watched."""
    parameters = [p for p in job.network.parameters() if p.requires_grad]
    optimizer = (
        torch.optim.Adam(parameters, learning_rate)
        if adam
        else torch.optim.SGD(parameters, learning_rate, momentum=momentum)
    )
    data, loss, draw = job.dataset, loss_function(job.loss), torch.Generator().manual_seed(1)
    for _ in range(steps):
        chosen = torch.randint(len(data.train_inputs), (32,), generator=draw)
        optimizer.zero_grad()
        value = loss(job.network(data.train_inputs[chosen]), data.train_targets[chosen])
        value.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return job


@torch.no_grad()
def pruned(job: Job, share: float) -> Job:
    """The same job with each weight matrix's smallest entries set to zero."""
    for weights in job.network.parameters():
        if weights.dim() == 2:
            limit = weights.abs().flatten().kthvalue(int(share * weights.numel())).values
            weights.mul_(weights.abs() >= limit)
    return job


@torch.no_grad()
def larger_logits(job: Job, factor: float) -> Job:
    """The same job with the last layer's weights multiplied."""
    head = next(m for m in reversed(flat(job.network)) if isinstance(m, nn.Linear))
    head.weight.mul_(factor)
    return job


def on(job: Job, dataset: Dataset) -> Job:
    """The same job on other data."""
    return replace(job, dataset=dataset)


def shuffled(data: Dataset, seed: int) -> Dataset:
    """Targets that have nothing to do with the inputs, held-out ones included."""
    draw = torch.Generator().manual_seed(seed)
    train, test = (_permuted(t, draw) for t in (data.train_targets, data.test_targets))
    return replace(data, train_targets=train, test_targets=test)


def emptied(data: Dataset) -> Dataset:
    """Inputs that are all zero."""
    return replace(
        data,
        train_inputs=torch.zeros_like(data.train_inputs),
        test_inputs=torch.zeros_like(data.test_inputs),
    )


def _permuted(values: Tensor, draw: torch.Generator) -> Tensor:
    return values[torch.randperm(len(values), generator=draw)]


def seeded(seed: int, make: Sequence[type[nn.Module]]) -> list[nn.Module]:
    """Modules with PyTorch's default values, drawn from a seed of their own."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return [kind() for kind in make]
