"""What is experimented on: a copy of the network, and some training samples."""

import copy
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from workers.probes.trace import LayerInfo, Task
from workers.training.data import TrainingData
from workers.training.losses import Loss, loss_function

SAMPLES = 256
"""Most training samples that are examined."""

FEWEST = 32
"""As many are examined however large the network is."""

PASS_FLOPS = {"cpu": 2e9, "cuda": 2e12}
"""Fewer samples are examined where a forward and a backward pass on them would take more operations. Counted,
not timed: the same job is always examined on the same samples."""

ACTIVATION_BYTES = 256 * 2**20
"""Or where their activations would need more memory than this."""

DROPOUTS = (nn.Dropout, nn.Dropout1d, nn.Dropout2d, nn.Dropout3d, nn.AlphaDropout, nn.FeatureAlphaDropout)


@dataclass(frozen=True)
class Subject:
    """A network of one's own to experiment on, in the mode that it is trained in, with samples and a loss."""

    network: nn.Module
    layers: tuple[LayerInfo, ...]
    inputs: Tensor
    targets: Tensor
    task: Task
    classes: int | None
    loss_name: str
    seed: int

    @property
    def loss(self) -> Loss:
        return loss_function(self.loss_name)

    def copy(self) -> "Subject":
        """Another one in the same state, for an experiment that changes it."""
        return replace(self, network=copy_of(self.network))

    def outputs(self) -> Tensor:
        """One forward pass. Its dropout masks are the same each time."""
        _seed(self.seed, self.inputs.device)
        outputs: Tensor = self.network(self.inputs)
        return outputs

    def compute_loss(self) -> Tensor:
        return self.loss(self.outputs(), self.targets)

    def parameters(self) -> list[nn.Parameter]:
        """Those that are trained."""
        return [parameter for parameter in self.network.parameters() if parameter.requires_grad]

    def gradients(self) -> list[Tensor | None]:
        """Of the loss, for each of `parameters`; None where no path leads to it."""
        return gradients(self.compute_loss(), self.parameters())

    def few(self, samples: int) -> "Subject":
        """The same network with the first samples only."""
        return replace(self, inputs=self.inputs[:samples], targets=self.targets[:samples])


def choose_samples(
    dataset: TrainingData, layers: Sequence[LayerInfo], flops: float, seed: int, device: torch.device
) -> tuple[Tensor, Tensor]:
    """Up to SAMPLES training samples, by chance, on `device`. `flops` are the operations for one; NaN if they
    are not known."""
    entries = sum(math.prod(layer.output_shape) for layer in layers) + dataset.train_inputs[0].numel()
    by_memory = max(2, ACTIVATION_BYTES // (4 * entries))
    by_time = PASS_FLOPS.get(device.type, 2e9) / flops if flops > 0 else SAMPLES
    count = min(SAMPLES, by_memory, max(FEWEST, int(by_time)), len(dataset.train_inputs))
    generator = torch.Generator().manual_seed(seed)
    chosen = torch.randperm(len(dataset.train_inputs), generator=generator)[:count]
    return dataset.train_inputs[chosen].to(device), dataset.train_targets[chosen].to(device)


def copy_of(network: nn.Module) -> nn.Module:
    """A copy in the same mode, without gradients."""
    twin = copy.deepcopy(network)
    for module in twin.modules():
        if isinstance(module, nn.RNNBase):
            module.flatten_parameters()
    twin.zero_grad(set_to_none=True)
    return twin


def gradients(loss: Tensor, parameters: Sequence[Tensor]) -> list[Tensor | None]:
    """Of a scalar, for each of the parameters; None where no path leads to it, or to any."""
    if not loss.requires_grad:
        return [None] * len(parameters)
    return list(torch.autograd.grad(loss, parameters, allow_unused=True))


def _seed(seed: int, device: torch.device) -> None:
    """As `torch.manual_seed`, of this device alone: that one also notes for every kind of device where it was
    called from, which takes as long as a small network's pass."""
    torch.default_generator.manual_seed(seed)
    if device.type == "cuda":
        torch.cuda.manual_seed(seed)


@contextmanager
def own_random_numbers(device: torch.device) -> Iterator[None]:
    """What is drawn inside leaves the run's random numbers as they were."""
    index = device.index if device.index is not None else 0
    with torch.random.fork_rng(devices=[index] if device.type == "cuda" else []):
        yield
