"""Layers that hold layers, and the union of all layers."""

from typing import Annotated, Literal, get_args

from pydantic import Field, model_validator

from service.contract.base import Contract
from service.contract.layers.attention import Attention
from service.contract.layers.base import LayerError, LayerSpec, ParametricLayer, Size
from service.contract.layers.convolution import Conv1d, Conv2d
from service.contract.layers.dense import Embedding, Linear, PositionalEncoding
from service.contract.layers.initializers import Init, TorchDefault
from service.contract.layers.normalization import BatchNorm, GroupNorm, LayerNorm
from service.contract.layers.pointwise import Activation, Dropout
from service.contract.layers.pooling import AvgPool, Flatten, GlobalAvgPool, MaxPool
from service.contract.layers.recurrent import Recurrent
from service.contract.shapes import Signal

MAX_LISTED = 2048


class LearnedScale(Contract):
    """A scale that is a parameter; 0 at first is ReZero (Bachlechner et al. 2021)."""

    learned: float = Field(ge=-1e6, le=1e6)
    """Its first value."""


class HighwayGate(Contract):
    """A gate T(x) = sigmoid(Wx + b) for each feature, W square; for images and sequences the same at every
    position. W has PyTorch's default first values (Srivastava et al. 2015)."""

    bias: float = Field(default=-2.0, ge=-1e3, le=1e3)
    """First value of b. Below 0 the block at first mostly passes its input on."""


class Residual(ParametricLayer):
    """A residual block: shortcut(x) + scale · layers(x) (He et al. 2016); with a gate, a highway block:
    (1 - T(x)) · x + T(x) · scale · layers(x) (Srivastava et al. 2015)."""

    op: Literal["residual"] = "residual"
    """Its operation."""
    layers: list["Layer"] = Field(min_length=1, max_length=MAX_LISTED)
    """The block's layers. For an identity shortcut they must keep the shape."""
    shortcut: Literal["identity", "projection"] = "identity"
    """`projection`: a linear map without bias that fits the input to the block's output; for images a 1×1
    convolution, with a stride where the block makes time or the image smaller."""
    init: Init = TorchDefault()
    """Initialiser of the projection."""
    scale: Annotated[float, Field(ge=-1e6, le=1e6)] | LearnedScale = Field(
        default=1.0, examples=[1.0, {"learned": 0.0}]
    )
    """Factor on the block: a number, or a learned one."""
    gate: HighwayGate | None = Field(default=None, examples=[{"bias": -2.0}])
    """Makes it a highway block; needs the identity shortcut. null: no gate."""

    @model_validator(mode="after")
    def _gate_needs_an_identity(self) -> "Residual":
        if self.gate is not None and self.shortcut != "identity":
            raise ValueError('"gate" needs "shortcut": "identity": it mixes the block with its own input')
        return self

    def joined(self, given: Signal, inner: Signal) -> Signal:
        """The block's output. Raises LayerError if the shortcut cannot meet what the layers make."""
        if self.shortcut == "projection":
            self.projection_stride(given, inner)
        elif given.shape != inner.shape:
            raise LayerError(self._mismatch(given, inner), "layers")
        return inner

    def projection_stride(self, given: Signal, inner: Signal) -> int:
        """Stride of the projection; 1 for vectors. Raises LayerError if no projection fits."""
        before, after = _extents(given), _extents(inner)
        if given.kind != inner.kind:
            raise LayerError(
                f"the block maps {given} to {inner}; no projection turns a {given.kind} into a {inner.kind}",
                "layers",
            )
        if not before:
            return 1
        stride = -(-before[0] // after[0])
        if tuple(-(-length // stride) for length in before) != after:
            raise LayerError(
                f"the block maps {given} to {inner}; no stride of a projection does that", "layers"
            )
        return stride

    def own_parameters(self, given: Signal, inner: Signal) -> int:
        """Number of its own parameters: those of the projection, the gate and the learned scale."""
        projection = given.features * inner.features if self.shortcut == "projection" else 0
        gate = (given.features + 1) * given.features if self.gate is not None else 0
        return projection + gate + isinstance(self.scale, LearnedScale)

    @staticmethod
    def _mismatch(given: Signal, inner: Signal) -> str:
        remedy = f"end the block with {given.features} {'units' if given.kind != 'image' else 'channels'}"
        if given.kind != inner.kind or _extents(given) != _extents(inner):
            remedy = f"end the block with the shape {given}"
        projection = 'add "shortcut": "projection" or ' if given.kind == inner.kind else ""
        needs = "an identity shortcut needs equal shapes"
        return f"the block maps {given} to {inner}; {needs}: {projection}{remedy}"


class Repeat(LayerSpec):
    """The same layers again and again, each time with weights of their own."""

    op: Literal["repeat"] = "repeat"
    """Its operation."""
    times: Size = Field(examples=[20])
    """How often."""
    layers: list["Layer"] = Field(min_length=1, max_length=MAX_LISTED)
    """The layers."""


Layer = Annotated[
    Linear
    | Conv1d
    | Conv2d
    | Activation
    | BatchNorm
    | LayerNorm
    | GroupNorm
    | Dropout
    | MaxPool
    | AvgPool
    | GlobalAvgPool
    | Flatten
    | Embedding
    | PositionalEncoding
    | Recurrent
    | Attention
    | Residual
    | Repeat,
    Field(discriminator="op"),
]
"""A layer of a model spec."""
LayerList = Annotated[list[Layer], Field(min_length=1, max_length=MAX_LISTED)]
"""Layers, in the order of the forward pass."""

LAYER_TYPES: tuple[type[LayerSpec], ...] = get_args(get_args(Layer)[0])
"""The layers' types."""

Residual.model_rebuild()
Repeat.model_rebuild()


def _extents(signal: Signal) -> tuple[int, ...]:
    """Its axes other than features: () for a vector, (time,), (height, width)."""
    return {"vector": (), "sequence": signal.shape[:1], "image": signal.shape[1:]}.get(
        signal.kind, signal.shape
    )
