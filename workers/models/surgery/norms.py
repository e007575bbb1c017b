"""Normalisations that fit a tensor."""

from torch import Tensor, nn

from workers.models.over_time import BatchNormOverTime


def feature_axis(op: str) -> int:
    """The axis of units or channels of what a layer of that operation works on: 1, or -1 for the last."""
    return -1 if op == "linear" else 1


def batch_norm_for(values: Tensor, op: str) -> nn.Module:
    """Over batch and positions, for a tensor that a layer of that operation made."""
    if feature_axis(op) == 1:
        kinds = {3: nn.BatchNorm1d, 4: nn.BatchNorm2d, 5: nn.BatchNorm3d}
        return kinds[values.dim()](values.shape[1])
    return (nn.BatchNorm1d if values.dim() == 2 else BatchNormOverTime)(values.shape[-1])


def layer_norm_for(values: Tensor, op: str) -> nn.Module:
    """Over the features of each position, or over all of an image."""
    return nn.LayerNorm(values.shape[-1:] if feature_axis(op) == -1 else values.shape[1:])
