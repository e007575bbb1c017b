"""Loss functions, with the targets brought into the shape that each wants."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor
from torch.nn import functional

from workers.training.errors import TrainingError

Loss = Callable[[Tensor, Tensor], Tensor]
"""(outputs, targets) to a scalar."""


def _cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(class_axis_second(outputs, targets), targets.long())


def class_axis_second(outputs: Tensor, targets: Tensor) -> Tensor:
    """Outputs as (samples, classes, *positions) for targets (samples, *positions), also where the network has
    the classes last, as those over sequences do."""
    positions = targets.shape[1:]
    channels_last = outputs.shape[1:-1] == positions and outputs.dim() == targets.dim() + 1
    if positions and channels_last and outputs.shape[2:] != positions:
        return outputs.movedim(-1, 1)
    return outputs


def _mean_squared_error(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.mse_loss(outputs, _like(outputs, targets))


def _binary_cross_entropy(outputs: Tensor, targets: Tensor) -> Tensor:
    return functional.binary_cross_entropy_with_logits(outputs, _like(outputs, targets))


def _like(outputs: Tensor, targets: Tensor) -> Tensor:
    """Targets in the outputs' shape: reshaped real numbers, or one-hot rows for class indices."""
    if targets.numel() == outputs.numel():
        return targets.to(outputs.dtype).reshape(outputs.shape)
    if targets.dim() == 1 and outputs.dim() == 2 and not targets.is_floating_point():
        return functional.one_hot(targets, outputs.shape[1]).to(outputs.dtype)
    raise TrainingError(f"outputs {tuple(outputs.shape)} do not fit targets {tuple(targets.shape)}")


LOSSES: Mapping[str, Loss] = {
    "cross_entropy": _cross_entropy,
    "mse": _mean_squared_error,
    "bce_with_logits": _binary_cross_entropy,
}


def loss_function(name: str) -> Loss:
    """The loss of that name, computed in float32 whatever the outputs' format. Raises TrainingError."""
    try:
        loss = LOSSES[name]
    except KeyError:
        raise TrainingError(f"unknown loss {name!r}; known are {', '.join(LOSSES)}") from None
    return lambda outputs, targets: loss(
        outputs if outputs.dtype == torch.float64 else outputs.float(), targets
    )
