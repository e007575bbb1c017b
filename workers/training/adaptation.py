"""What happens to a network between its building and its training."""

from collections.abc import Sequence

import torch
from torch import nn

from service.contract.training_plan import TrainingPlan
from workers.models.recurrent import Recurrent
from workers.probes.trace import LayerInfo
from workers.training.data import TrainingData
from workers.training.data_initialization import initialize_from_data
from workers.training.errors import TrainingError
from workers.training.loop import Report
from workers.training.pretraining import pretrain


def adapt(
    network: nn.Module,
    layers: Sequence[LayerInfo],
    dataset: TrainingData,
    training: TrainingPlan,
    loss: str,
    device: torch.device,
    report: Report,
) -> None:
    """Truncate time, initialise from the data and pre-train, as far as the plan asks for it, in place.

    `network` is on `device`, in the mode in which it will be trained. A plan that asks for nothing changes
    nothing. Its random numbers begin with the plan's seed, and so should those of what comes after it.
    Raises TrainingError where the network does not have what the plan needs.
    """
    if training.truncate_time is not None:
        _truncate(network, training.truncate_time)
    if training.initialization is None and training.pretraining is None:
        return
    torch.manual_seed(training.seed)
    if training.initialization is not None:
        initialize_from_data(network, layers, dataset, training.initialization, training.seed, device)
    if training.pretraining is not None:
        pretrain(network, layers, dataset, training, loss, device, report)


def _truncate(network: nn.Module, steps: int) -> None:
    recurrent = [module for module in network.modules() if isinstance(module, Recurrent)]
    if not recurrent:
        raise TrainingError(
            '"truncate_time" needs a recurrent layer of a model spec; this network has none that can be cut'
        )
    for module in recurrent:
        module.truncate_time = steps
