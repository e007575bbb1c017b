"""Operators that are layers for a diagnosis: called outside a module of their own, they become one."""

from dataclasses import dataclass, field

ACTIVATIONS = """
    relu relu6 leaky_relu elu selu celu gelu silu mish sigmoid tanh hardtanh hardsigmoid hardswish softplus
    log_sigmoid prelu rrelu glu softmax log_softmax threshold hardshrink softshrink
"""

_CONVOLUTIONS = """
    linear conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d _convolution
    _convolution_mode
"""
_CELLS = "lstm_cell gru_cell rnn_tanh_cell rnn_relu_cell"

RECURRENT: dict[str, str] = {"lstm": "lstm", "gru": "gru", "rnn_tanh": "rnn", "rnn_relu": "rnn"}
"""The kind of cell of each operator that runs over time."""


@dataclass(frozen=True)
class LayerOperator:
    """What its arguments are, by position in the schema."""

    input: int = 0
    """The tensor that flows through it."""
    weights: dict[int, str] = field(default_factory=dict)
    """Those that are parameters where they are constant (frozen archives)."""
    statistics: dict[int, str] = field(default_factory=dict)
    """Those that are buffers."""
    weight_list: int | None = None
    """The list of parameters of a recurrent operator."""
    only_with_weight: bool = False
    """It is a layer only where one of `weights` is a parameter or a constant."""


_CONVOLUTION = LayerOperator(weights={1: "weight", 2: "bias"})
_BATCH_NORM = LayerOperator(
    weights={1: "weight", 2: "bias"}, statistics={3: "running_mean", 4: "running_var"}
)
_AFTER_SHAPE = LayerOperator(weights={2: "weight", 3: "bias"})
_PRODUCT = LayerOperator(weights={1: "weight"}, only_with_weight=True)
_RECURRENT = LayerOperator(weight_list=2)
_CELL = LayerOperator(weights={2: "weight_ih", 3: "weight_hh", 4: "bias_ih", 5: "bias_hh"})

LAYERS: dict[str, LayerOperator] = {
    **dict.fromkeys(ACTIVATIONS.split(), LayerOperator()),
    "prelu": LayerOperator(weights={1: "weight"}),
    **dict.fromkeys(
        _CONVOLUTIONS.split(),
        _CONVOLUTION,
    ),
    "addmm": LayerOperator(input=1, weights={2: "weight", 0: "bias"}, only_with_weight=True),
    "matmul": _PRODUCT,
    "mm": _PRODUCT,
    "embedding": LayerOperator(input=1, weights={0: "weight"}),
    "batch_norm": _BATCH_NORM,
    "instance_norm": _BATCH_NORM,
    "layer_norm": _AFTER_SHAPE,
    "group_norm": _AFTER_SHAPE,
    "rms_norm": LayerOperator(weights={2: "weight"}),
    **dict.fromkeys(RECURRENT, _RECURRENT),
    **dict.fromkeys(_CELLS.split(), _CELL),
}
"""By name in the `aten` namespace, without the underscore of the in-place form."""


def layer_name(kind: str) -> str | None:
    """The name in `LAYERS` of a kind of node such as `aten::relu_`, if it is there."""
    namespace, _, name = kind.partition("::")
    base = name[:-1] if name.endswith("_") else name
    return base if namespace == "aten" and base in LAYERS else None
