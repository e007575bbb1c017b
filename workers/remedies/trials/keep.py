"""The trained network as files: its weights and buffers, and the network itself in evaluation mode, as
`torch.export` writes it, for batches of any size.

The network was trained on data that the job may have standardised. Whoever uses it has the data as they were:
the program shifts and scales by itself, and beside the weights stands by what (`Scale`).
"""

import json
import logging
import warnings
from dataclasses import dataclass, field
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from service.store.artifacts import NETWORK_FILES
from workers.data import Dataset, Scale

WEIGHTS, PROGRAM = NETWORK_FILES
MOST_WORDS = 300
"""Letters of the reason why a network cannot be exported: `torch.export` writes pages."""

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Kept:
    """What became of the files."""

    files: tuple[str, ...] = ()
    """Those that were written, by name."""
    missing: dict[str, str] = field(default_factory=dict)
    """Of each other one, why it is not there."""


def keep_network(network: nn.Module, dataset: Dataset, folder: Path) -> Kept:
    """Save the network to `folder`. Some networks cannot be exported: then there are the weights alone."""
    network = network.cpu().eval()
    save_file(_state(network), folder / WEIGHTS, metadata=_scales(dataset))
    try:
        _export(AsGiven(network, dataset), dataset.given_inputs(2), folder / PROGRAM)
    except Exception as error:  # torch.export raises many kinds, and costs only the second file
        logger.warning("the network cannot be exported: %s", error)
        (folder / PROGRAM).unlink(missing_ok=True)
        return Kept((WEIGHTS,), {PROGRAM: f"torch.export cannot write this network: {_shortened(error)}"})
    return Kept((WEIGHTS, PROGRAM))


class AsGiven(nn.Module):
    """A network between the data's own units: takes inputs, and gives numbers, as they are in the data set
    before it is standardised."""

    def __init__(self, network: nn.Module, dataset: Dataset) -> None:
        super().__init__()
        self.network = network
        self._standardizes = dataset.input_scale is not None
        self._restores = dataset.target_scale is not None
        for name, scale in (("input", dataset.input_scale), ("target", dataset.target_scale)):
            if scale is not None:
                self.register_buffer(f"{name}_mean", scale.mean)
                self.register_buffer(f"{name}_std", scale.spread)

    def forward(self, inputs: Tensor) -> Tensor:
        """Outputs, (samples, …), for inputs, (samples, …)."""
        if self._standardizes:
            inputs = (inputs - self.get_buffer("input_mean")) / self.get_buffer("input_std")
        outputs: Tensor = self.network(inputs)
        if self._restores:
            mean, std = self.get_buffer("target_mean"), self.get_buffer("target_std")
            outputs = outputs * std.reshape(outputs.shape[1:]) + mean.reshape(outputs.shape[1:])
        return outputs


def _state(network: nn.Module) -> dict[str, Tensor]:
    """Each tensor in memory of its own: the format has no shared ones."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}


def _scales(dataset: Dataset) -> dict[str, str] | None:
    """The header's metadata, JSON lists in the order of a flattened sample: texts are all that it holds, and
    more tensors would be no part of the network."""
    named = {"input": dataset.input_scale, "target": dataset.target_scale}
    return {
        f"{name}.{part}": json.dumps(values.flatten().tolist())
        for name, scale in named.items()
        if scale is not None
        for part, values in _parts(scale)
    } or None


def _parts(scale: Scale) -> tuple[tuple[str, Tensor], ...]:
    return ("mean", scale.mean), ("std", scale.spread)


def _export(network: nn.Module, few: Tensor, path: Path) -> None:
    """The number of samples stays open: a network whose code fixes it is refused, not written for batches of
    that size.

    Rebuilt networks take inputs under any name, so what is exported must have a name for them.
    Exported twice: what they ask about sizes on the way bounds the number of samples, and is not in the graph
    that the second time begins with. Without gradients: what a network switches them off for would be written
    so that nothing can load it.
    """
    open_batch = ({0: torch.export.Dim.DYNAMIC},)
    with warnings.catch_warnings(), torch.no_grad():
        warnings.simplefilter("ignore")
        exported = torch.export.export(network.eval(), (few,), dynamic_shapes=open_batch)
        plain = exported.module(check_guards=False)
        torch.export.save(torch.export.export(plain, (few,), dynamic_shapes=open_batch), path)
        torch.export.load(path).module()(few[:1])


def _shortened(error: Exception) -> str:
    words = " ".join(str(error).split()) or type(error).__name__
    return words if len(words) <= MOST_WORDS else f"{words[:MOST_WORDS]}…"
