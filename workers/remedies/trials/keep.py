"""The trained network as files: its weights and buffers, and the network itself in evaluation mode, as
`torch.export` writes it, for batches of any size."""

import logging
from pathlib import Path

import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from service.store.artifacts import NETWORK_FILES

WEIGHTS, PROGRAM = NETWORK_FILES

logger = logging.getLogger(__name__)


def keep_network(network: nn.Module, inputs: Tensor, folder: Path) -> tuple[str, ...]:
    """Save the network to `folder`; the names of the files that were written. Some networks cannot be
    exported: then there are the weights alone. `inputs` is a batch, (samples, …)."""
    network = network.cpu().eval()
    save_file(_state(network), folder / WEIGHTS)
    try:
        _export(network, inputs, folder / PROGRAM)
    except Exception as error:  # torch.export raises many kinds, and costs only the second file
        logger.warning("the network cannot be exported: %s", error)
        return (WEIGHTS,)
    return WEIGHTS, PROGRAM


def _state(network: nn.Module) -> dict[str, Tensor]:
    """Each tensor in memory of its own: the format has no shared ones."""
    return {name: tensor.detach().clone().contiguous() for name, tensor in network.state_dict().items()}


def _export(network: nn.Module, inputs: Tensor, path: Path) -> None:
    samples = torch.export.Dim("samples", min=1)
    exported = torch.export.export(network, (inputs[:2].cpu(),), dynamic_shapes=({0: samples},))
    torch.export.save(exported, path)
