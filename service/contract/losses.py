"""Which loss fits which data, and what a network must end with for it."""

from typing import Literal

from service.contract.data_spec import DataShape
from service.contract.errors import InvalidRequestError
from service.contract.shapes import Shape
from service.contract.training_plan import LossName

ResolvedLoss = Literal["cross_entropy", "mse", "bce_with_logits"]
"""A loss that can be computed: `auto` stands for one of them."""


def resolve_loss(loss: LossName, data: DataShape) -> ResolvedLoss:
    """What `auto` stands for. Raises InvalidRequestError for a loss that the data cannot have."""
    if loss == "auto":
        return "mse" if data.classes is None else "cross_entropy"
    if data.classes is None and loss != "mse":
        raise InvalidRequestError(
            "/training/loss", f"{loss} needs classes, but the data's target is a real number: use mse"
        )
    return loss


def output_shapes(loss: ResolvedLoss, data: DataShape) -> tuple[Shape, ...]:
    """The shapes that a network may end with; the first is what `"units": "targets"` stands for.

    cross_entropy: a logit per class. mse: the target, or one output per class against a one-hot target.
    bce_with_logits: a logit per class against a one-hot target; for two classes a single logit will do.
    """
    classes = data.classes or data.outputs
    if loss == "bce_with_logits" and classes == 2:
        return ((1,), (2,))
    return ((classes,),)
