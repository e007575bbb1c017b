"""Networks to examine, on scikit-learn's digits, built as the published situations were."""

from functools import cache

import torch
from torch import Tensor, nn

from service.contract.data_spec import BuiltinData
from tests.unit.probes.networks import layer_infos
from workers.data import load_dataset
from workers.data.dataset import Dataset
from workers.examination.subject import Subject, copy_of
from workers.probes.trace import Task

HIDDEN = 64


@cache
def digits() -> Dataset:
    return load_dataset(BuiltinData(kind="builtin", name="digits"), 0)


def deep(
    activation: type[nn.Module], depth: int, std: float | None = None, seed: int = 0, head: float = 1.0
) -> nn.Sequential:
    """`depth` hidden layers on digits: He's initialisation (Xavier's but for ReLU), or normal with `std`."""
    torch.manual_seed(seed)
    layers: list[nn.Module] = []
    for _ in range(depth):
        linear = nn.Linear(64, HIDDEN)
        if std is not None:
            nn.init.normal_(linear.weight, std=std)
        elif activation is nn.ReLU:
            nn.init.kaiming_normal_(linear.weight)
        else:
            nn.init.xavier_normal_(linear.weight)
        nn.init.zeros_(linear.bias)
        layers += [linear, activation()]
    last = nn.Linear(HIDDEN, 10)
    nn.init.xavier_normal_(last.weight, head)
    nn.init.zeros_(last.bias)
    return nn.Sequential(*layers, last)


def subject(
    network: nn.Module,
    inputs: Tensor | None = None,
    targets: Tensor | None = None,
    loss: str = "cross_entropy",
    task: Task = "classification",
    classes: int | None = 10,
) -> Subject:
    """The network's copy, with 256 digits if nothing else is given."""
    inputs = digits().train_inputs[:256].flatten(1) if inputs is None else inputs
    targets = digits().train_targets[:256] if targets is None else targets
    return Subject(copy_of(network), layer_infos(network), inputs, targets, task, classes, loss, 0)
