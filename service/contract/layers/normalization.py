"""Normalisation layers."""

from typing import Literal

from pydantic import Field

from service.contract.layers.base import LayerError, ParametricLayer, Size, Switch, require
from service.contract.shapes import Signal


class Normalization(ParametricLayer):
    """Shifts and scales to mean 0 and variance 1, then by a learned weight (first 1) and bias (first 0)."""

    affine: Switch = True
    """Whether it has the learned weight and bias."""
    epsilon: float = Field(default=1e-5, gt=0.0, le=1.0)
    """Added to the variance."""

    def output(self, given: Signal) -> Signal:
        require(given, "vector", "sequence", "image")
        return given

    def parameter_count(self, given: Signal) -> int:
        return 2 * given.features * self.affine


class BatchNorm(Normalization):
    """Normalises each feature over the batch, and over time or pixels if it has any (Ioffe & Szegedy 2015).

    The features of an image are its channels, those of a sequence its last axis.
    """

    op: Literal["batch_norm"] = "batch_norm"
    """Its operation."""
    momentum: float = Field(default=0.1, gt=0.0, le=1.0)
    """Weight of the newest batch in the running statistics that are used after training."""

    def smallest_batch(self, given: Signal) -> int:
        return 2 if given.size == given.features else 1


class LayerNorm(Normalization):
    """Normalises each sample by itself (Ba et al. 2016): a vector over its features, a sequence over its
    features at each step, an image over channels, height and width together."""

    op: Literal["layer_norm"] = "layer_norm"
    """Its operation."""

    def parameter_count(self, given: Signal) -> int:
        normalized = given.size if given.kind == "image" else given.features
        return 2 * normalized * self.affine


class GroupNorm(Normalization):
    """Normalises groups of features of each sample (Wu & He 2018), together with their time or pixels."""

    op: Literal["group_norm"] = "group_norm"
    """Its operation."""
    groups: Size = Field(examples=[4])
    """Number of groups; must divide the features."""

    def output(self, given: Signal) -> Signal:
        super().output(given)
        if given.features % self.groups:
            raise LayerError(
                f"{self.groups} groups do not divide the {given.features} features of {given}", "groups"
            )
        if given.size == self.groups:
            raise LayerError(
                f"each of the {self.groups} groups holds a single value of {given}: all become 0", "groups"
            )
        return given
