"""Whether a network's output fits the data's targets, and which loss that takes."""

from torch import Tensor

from service.contract.losses import ResolvedLoss
from service.contract.training_plan import LossName
from workers.training.losses import class_axis_second
from workers.uploads.errors import InvalidUploadError


def resolve_loss(loss: LossName, outputs: Tensor, targets: Tensor, classes: int | None) -> ResolvedLoss:
    """The loss for a batch of outputs and its targets, (samples, …); what `auto` stands for, if it is that.

    Raises InvalidUploadError, with both shapes, if they do not fit.
    """
    chosen = _chosen(loss, outputs, targets, classes)
    problem = _FITS[chosen](outputs, targets, classes)
    if problem is None:
        return chosen
    what = f"{classes} classes" if classes else "real numbers"
    raise InvalidUploadError(
        f"the network's output of shape {tuple(outputs.shape)} does not fit the targets of shape "
        f"{tuple(targets.shape)} ({what}) under {chosen}: {problem}"
    )


def _chosen(loss: LossName, outputs: Tensor, targets: Tensor, classes: int | None) -> ResolvedLoss:
    if loss != "auto":
        return loss
    if classes is None:
        return "mse"
    return "bce_with_logits" if classes == 2 and outputs.numel() == targets.numel() else "cross_entropy"


def _cross_entropy(outputs: Tensor, targets: Tensor, classes: int | None) -> str | None:
    if classes is None:
        return "cross_entropy needs classes, which are whole numbers: use mse"
    wanted = ("samples", "classes", *targets.shape[1:])
    arranged = class_axis_second(outputs, targets)
    if arranged.dim() != targets.dim() + 1 or arranged.shape[2:] != targets.shape[1:]:
        return f"it needs ({', '.join(map(str, wanted))})"
    return _enough_classes(arranged, targets, classes)


def _one_per_target(outputs: Tensor, targets: Tensor, classes: int | None) -> str | None:
    if len(outputs) == len(targets) and outputs.numel() == targets.numel():
        return None
    if classes is None:
        advice = ": for classes, save whole numbers" if targets.shape[1:].numel() == 1 else ""
        return f"it needs as many outputs as there are targets{advice}"
    if outputs.dim() != 2 or targets.dim() != 1:
        return "it needs one output per target, or (samples, classes)"
    return _enough_classes(outputs, targets, classes)


def _enough_classes(outputs: Tensor, targets: Tensor, classes: int) -> str | None:
    if len(outputs) != len(targets):
        return "it has another number of samples"
    if outputs.shape[1] < classes:
        return f"it has {outputs.shape[1]} classes"
    return None


def _binary(outputs: Tensor, targets: Tensor, classes: int | None) -> str | None:
    if classes is None:
        return "bce_with_logits needs classes, which are whole numbers: use mse"
    if outputs.numel() == targets.numel() and classes > 2:
        return f"a single output cannot tell {classes} classes apart"
    return _one_per_target(outputs, targets, classes)


_FITS = {"cross_entropy": _cross_entropy, "mse": _one_per_target, "bce_with_logits": _binary}
"""What is wrong with a pair of outputs and targets under each loss, or None."""
