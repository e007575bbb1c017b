"""The optimizers, from a training plan."""

from collections.abc import Callable, Iterable, Mapping

import torch
from torch import nn

from service.contract.training_plan import TrainingPlan
from workers.training.errors import TrainingError

Build = Callable[[Iterable[nn.Parameter], TrainingPlan], torch.optim.Optimizer]


def _sgd(parameters: Iterable[nn.Parameter], plan: TrainingPlan) -> torch.optim.Optimizer:
    return torch.optim.SGD(
        parameters, lr=plan.learning_rate, momentum=plan.momentum, weight_decay=plan.weight_decay
    )


def _adam(parameters: Iterable[nn.Parameter], plan: TrainingPlan) -> torch.optim.Optimizer:
    return torch.optim.Adam(parameters, lr=plan.learning_rate, weight_decay=plan.weight_decay)


def _adamw(parameters: Iterable[nn.Parameter], plan: TrainingPlan) -> torch.optim.Optimizer:
    return torch.optim.AdamW(parameters, lr=plan.learning_rate, weight_decay=plan.weight_decay)


def _rmsprop(parameters: Iterable[nn.Parameter], plan: TrainingPlan) -> torch.optim.Optimizer:
    return torch.optim.RMSprop(
        parameters, lr=plan.learning_rate, momentum=plan.momentum, weight_decay=plan.weight_decay
    )


OPTIMIZERS: Mapping[str, Build] = {"sgd": _sgd, "adam": _adam, "adamw": _adamw, "rmsprop": _rmsprop}


def build_optimizer(network: nn.Module, plan: TrainingPlan) -> torch.optim.Optimizer:
    """Raises TrainingError if there is nothing to train."""
    trained = [parameter for parameter in network.parameters() if parameter.requires_grad]
    if not trained:
        raise TrainingError("the network has no trainable parameters")
    return OPTIMIZERS[plan.optimizer](trained, plan)
