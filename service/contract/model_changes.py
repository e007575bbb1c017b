"""Changes of a network from a file: made to its modules after it is loaded, before it is trained."""

from typing import Annotated, Literal

from pydantic import Field

from service.contract.base import Contract
from service.contract.layers import HighwayGate, LearnedScale
from service.contract.layers.initializers import Init
from service.contract.layers.pointwise import ActivationFunction


class ActivationChange(Contract):
    """Another activation function in all hidden layers."""

    kind: Literal["activation"] = "activation"
    """The kind of change."""
    function: ActivationFunction = Field(examples=["relu"])
    """The function."""


class InitializationChange(Contract):
    """New first weights, drawn from the job's seed, for all linear and convolutional layers but the last;
    their biases start at 0. What the file had learned there is lost."""

    kind: Literal["initialization"] = "initialization"
    """The kind of change."""
    init: Init = Field(examples=["he_normal"])
    """The initialiser."""


class NormalizationChange(Contract):
    """A normalisation before each hidden activation that has none before it."""

    kind: Literal["normalization"] = "normalization"
    """The kind of change."""
    norm: Literal["batch_norm", "layer_norm"]
    """Over the batch, or over each sample's features."""


class ShortcutChange(Contract):
    """An identity shortcut around each layer with weights, together with its activation, that gives back the
    shape that it is given."""

    kind: Literal["shortcut"] = "shortcut"
    """The kind of change."""
    scale: Literal["depth"] | LearnedScale = "depth"
    """Factor on what a shortcut goes around: `depth`, 1/√(number of shortcuts), or a learned one."""
    norm: Literal["none", "batch_norm", "pre_norm"] = "none"
    """Normalisation inside: over the batch before the activation, or of each sample before the layer."""
    gate: HighwayGate | None = None
    """Makes them highway blocks, which have no scale; null: no gate."""


class UnfreezeChange(Contract):
    """All parameters are trained."""

    kind: Literal["unfreeze"] = "unfreeze"
    """The kind of change."""


ModelChange = Annotated[
    ActivationChange | InitializationChange | NormalizationChange | ShortcutChange | UnfreezeChange,
    Field(discriminator="kind"),
]
"""A change of an uploaded network."""
