"""Well-known architectures in a few numbers. Each expands to the layers of a model spec."""

from collections.abc import Sequence
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, TypeAdapter, model_validator
from typing_extensions import TypeAliasType

from service.contract.base import Contract
from service.contract.layers import Layer
from service.contract.layers.base import MAX_SIZE, LayerError, Size, Switch
from service.contract.layers.initializers import BiasInit, Init, TorchDefault
from service.contract.layers.pointwise import ActivationFunction
from service.contract.layers.recurrent import Cell, ForgetBias, check_cell
from service.contract.shapes import Signal

Written = dict[str, Any]
"""A layer as a client would write it."""

_LAYERS: TypeAdapter[list[Layer]] = TypeAdapter(list[Layer])
_HEAD: Written = {"op": "linear", "units": "targets"}


class Template(Contract):
    """An architecture in a few numbers."""

    depth_field: ClassVar[str] = "depth"
    """The field to lower when there are too many layers."""
    width_field: ClassVar[str] = "width"
    """The field to lower when a layer is too large."""

    kind: Literal["template"] = "template"
    """The kind of model."""
    init: Init = TorchDefault()
    """Initialiser of all weights but the last layer's: a name, or an object with name and parameters."""
    bias_init: BiasInit = TorchDefault()
    """Initialiser of all biases but the last layer's."""

    def written(self, given: Signal) -> Sequence[Written]:
        """Its layers for samples like `given`. Raises LayerError if it makes no sense for them."""
        raise NotImplementedError

    def expand(self, given: Signal) -> list[Layer]:
        """The same, validated."""
        return _LAYERS.validate_python(self.written(given))

    def _weighted(self, op: str, **fields: Any) -> Written:
        return {"op": op, "init": self.init, "bias_init": self.bias_init, **fields}


def _repeated(times: int, layers: Sequence[Written]) -> list[Written]:
    return [{"op": "repeat", "times": times, "layers": list(layers)}] if times else []


class FeedForward(Template):
    """What `mlp` and `cnn` share: the same block again and again."""

    depth: Size = Field(default=3, examples=[20])
    """Number of hidden layers."""
    activation: ActivationFunction = "relu"
    """Activation function after each hidden layer."""
    norm: Literal["none", "batch", "layer"] = "none"
    """Normalisation between a hidden layer and its activation."""
    residual: Switch = False
    """Whether each hidden layer but the first has an identity shortcut around it."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Dropout probability after each activation."""

    def _blocks(self, layer: Written) -> list[Written]:
        block = [layer]
        if self.norm != "none":
            block.append({"op": f"{self.norm}_norm"})
        block.append({"op": "activation", "function": self.activation})
        if self.dropout:
            block.append({"op": "dropout", "probability": self.dropout})
        if not self.residual:
            return _repeated(self.depth, block)
        return [*block, *_repeated(self.depth - 1, [{"op": "residual", "layers": block}])]


class Mlp(FeedForward):
    """A multilayer perceptron; flattens what it is given, and embeds tokens in `width` numbers each."""

    template: Literal["mlp"] = "mlp"
    """The architecture."""
    width: Size = Field(default=64, examples=[64])
    """Units of each hidden layer."""

    def written(self, given: Signal) -> Sequence[Written]:
        start: list[Written] = [{"op": "embedding", "units": self.width}] if given.kind == "tokens" else []
        if given.kind != "vector":
            start.append({"op": "flatten"})
        return [*start, *self._blocks(self._weighted("linear", units=self.width)), _HEAD]


class Cnn(FeedForward):
    """A convolutional network over images or sequences: convolutions that keep the size, the mean over all
    positions, a linear layer."""

    width_field: ClassVar[str] = "channels"

    template: Literal["cnn"] = "cnn"
    """The architecture."""
    channels: Size = Field(default=32, examples=[32])
    """Channels of each hidden layer."""
    kernel_size: Size = 3
    """Length (and height) of each kernel; odd."""

    def written(self, given: Signal) -> Sequence[Written]:
        ops = {"image": "conv2d", "sequence": "conv1d", "tokens": "conv1d"}
        if given.kind not in ops:
            raise LayerError(
                f"cnn needs images or sequences; the data's samples are vectors {given}", "template"
            )
        start: list[Written] = [{"op": "embedding", "units": self.channels}] if given.kind == "tokens" else []
        convolution = self._weighted(ops[given.kind], channels=self.channels, kernel_size=self.kernel_size)
        return [*start, *self._blocks(convolution), {"op": "global_avg_pool"}, _HEAD]


class Rnn(Template):
    """A stack of recurrent layers over a sequence; its last hidden state goes through a linear layer.
    Tokens are embedded in `units` numbers each."""

    width_field: ClassVar[str] = "units"

    template: Literal["rnn"] = "rnn"
    """The architecture."""
    cell: Cell = "rnn"
    """The cell."""
    units: Size = Field(default=64, examples=[64])
    """Hidden units of each layer."""
    depth: Size = 1
    """Number of recurrent layers."""
    nonlinearity: Literal["tanh", "relu"] | None = None
    """For the cell `rnn`: its activation function; null: tanh."""
    recurrent_init: Init = TorchDefault()
    """Initialiser of the weights from the previous step."""
    forget_bias: ForgetBias | Literal["chrono"] | None = None
    """As in the layer `recurrent`."""

    @model_validator(mode="after")
    def _cell_takes_these(self) -> "Rnn":
        check_cell(self.cell, self.nonlinearity, self.forget_bias)
        return self

    def written(self, given: Signal) -> Sequence[Written]:
        if given.kind not in {"sequence", "tokens"}:
            raise LayerError(f"rnn needs sequences; the data's samples are {given.kind}s {given}", "template")
        start: list[Written] = [{"op": "embedding", "units": self.units}] if given.kind == "tokens" else []
        below = _repeated(self.depth - 1, [self._recurrent("sequence")])
        return [*start, *below, self._recurrent("last"), _HEAD]

    def _recurrent(self, returns: str) -> Written:
        return self._weighted(
            "recurrent",
            cell=self.cell,
            units=self.units,
            nonlinearity=self.nonlinearity,
            recurrent_init=self.recurrent_init,
            forget_bias=self.forget_bias,
            **{"return": returns},
        )


class Transformer(Template):
    """A transformer encoder over a sequence (Vaswani et al. 2017): tokens are embedded, steps of real numbers
    mapped linearly; positions are added; the mean over time goes through a linear layer."""

    template: Literal["transformer"] = "transformer"
    """The architecture."""
    depth: Size = Field(default=2, examples=[4])
    """Number of blocks, each attention and a feed-forward part."""
    width: Size = Field(default=64, examples=[64])
    """Features of each step."""
    heads: Size = 4
    """Attention heads; must divide `width`."""
    feed_forward: Size | None = None
    """Hidden units of the feed-forward part; null: 4 × `width`."""
    activation: ActivationFunction = "gelu"
    """Activation function of the feed-forward part."""
    norm: Literal["pre", "post", "none"] = "pre"
    """Layer normalisation before each part inside its shortcut, or after the sum (Xiong et al. 2020)."""
    positions: Literal["sinusoidal", "learned", "none"] = "sinusoidal"
    """How steps are told their position."""
    causal: Switch = False
    """Whether a step sees only itself and earlier steps."""
    dropout: float = Field(default=0.0, ge=0.0, lt=1.0)
    """Dropout probability at the end of each part."""

    @model_validator(mode="after")
    def _heads_divide_width(self) -> "Transformer":
        if self.width % self.heads:
            raise ValueError(f"{self.heads} heads do not divide a width of {self.width}")
        return self

    def written(self, given: Signal) -> Sequence[Written]:
        if given.kind not in {"sequence", "tokens"}:
            raise LayerError(
                f"transformer needs sequences; the data's samples are {given.kind}s {given}", "template"
            )
        embedding = {"op": "embedding", "units": self.width}
        layers = [embedding if given.kind == "tokens" else self._weighted("linear", units=self.width)]
        if self.positions != "none":
            layers.append({"op": "positional_encoding", "encoding": self.positions})
        layers += _repeated(self.depth, [*self._part(self._attention()), *self._part(self._feed_forward())])
        layers += [{"op": "layer_norm"}] if self.norm == "pre" else []
        return [*layers, {"op": "global_avg_pool"}, _HEAD]

    def _part(self, layers: list[Written]) -> list[Written]:
        norm: Written = {"op": "layer_norm"}
        inner = [norm, *layers] if self.norm == "pre" else layers
        if self.dropout:
            inner = [*inner, {"op": "dropout", "probability": self.dropout}]
        block: Written = {"op": "residual", "layers": inner}
        return [block, norm] if self.norm == "post" else [block]

    def _attention(self) -> list[Written]:
        return [self._weighted("attention", heads=self.heads, causal=self.causal)]

    def _feed_forward(self) -> list[Written]:
        return [
            self._weighted("linear", units=self.feed_forward or min(4 * self.width, MAX_SIZE)),
            {"op": "activation", "function": self.activation},
            self._weighted("linear", units=self.width),
        ]


TemplateModel = TypeAliasType(
    "TemplateModel", Annotated[Mlp | Cnn | Rnn | Transformer, Field(discriminator="template")]
)
"""A well-known architecture. A named type, so that its schema has a name that OpenAPI can refer to."""
