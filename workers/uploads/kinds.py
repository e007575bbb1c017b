"""What a module of an uploaded network is, in the words of a model spec."""

import re
from collections.abc import Mapping
from typing import NamedTuple

from torch import nn


class Kind(NamedTuple):
    """What a layer does."""

    op: str
    """Operation, as in a model spec where it has one."""
    function: str | None = None
    """Activation function, or kind of recurrent cell."""


def _activations(names: str) -> dict[str, Kind]:
    """From `Class:function` pairs."""
    pairs = (name.split(":") for name in names.split())
    return {class_name: Kind("activation", function) for class_name, function in pairs}


_CLASSES: Mapping[str, Kind] = {
    **_activations(
        "ReLU:relu ReLU6:relu6 LeakyReLU:leaky_relu PReLU:prelu RReLU:rrelu ELU:elu CELU:celu SELU:selu "
        "GELU:gelu SiLU:silu Swish:silu Mish:mish Sigmoid:sigmoid LogSigmoid:log_sigmoid Tanh:tanh "
        "Softplus:softplus Softsign:softsign Hardtanh:hardtanh Hardsigmoid:hardsigmoid Hardswish:hardswish "
        "Tanhshrink:tanhshrink Softmax:softmax LogSoftmax:log_softmax Threshold:threshold"
    ),
    "Linear": Kind("linear"),
    "NonDynamicallyQuantizableLinear": Kind("linear"),
    "Conv1d": Kind("conv1d"),
    "Conv2d": Kind("conv2d"),
    "Conv3d": Kind("conv3d"),
    "BatchNorm1d": Kind("batch_norm"),
    "BatchNorm2d": Kind("batch_norm"),
    "BatchNorm3d": Kind("batch_norm"),
    "FrozenBatchNorm2d": Kind("batch_norm"),
    "SyncBatchNorm": Kind("batch_norm"),
    "LayerNorm": Kind("layer_norm"),
    "LayerNorm2d": Kind("layer_norm"),
    "RMSNorm": Kind("rms_norm"),
    "GroupNorm": Kind("group_norm"),
    "InstanceNorm2d": Kind("instance_norm"),
    "Dropout": Kind("dropout"),
    "Dropout2d": Kind("dropout"),
    "AlphaDropout": Kind("dropout"),
    "MaxPool1d": Kind("max_pool"),
    "MaxPool2d": Kind("max_pool"),
    "AvgPool1d": Kind("avg_pool"),
    "AvgPool2d": Kind("avg_pool"),
    "AdaptiveAvgPool1d": Kind("global_avg_pool"),
    "AdaptiveAvgPool2d": Kind("global_avg_pool"),
    "Flatten": Kind("flatten"),
    "Embedding": Kind("embedding"),
    "EmbeddingBag": Kind("embedding"),
    "MultiheadAttention": Kind("attention"),
    "RNN": Kind("recurrent", "rnn"),
    "LSTM": Kind("recurrent", "lstm"),
    "GRU": Kind("recurrent", "gru"),
    "RNNCell": Kind("recurrent_cell", "rnn"),
    "LSTMCell": Kind("recurrent_cell", "lstm"),
    "GRUCell": Kind("recurrent_cell", "gru"),
}
"""By the name of the module's class."""

_OPERATORS: Mapping[str, Kind] = {
    **{kind.function: kind for kind in _CLASSES.values() if kind.op == "activation" and kind.function},
    "linear": Kind("linear"),
    "addmm": Kind("linear"),
    "matmul": Kind("linear"),
    "conv1d": Kind("conv1d"),
    "conv2d": Kind("conv2d"),
    "conv3d": Kind("conv3d"),
    "_convolution": Kind("conv2d"),
    "convolution": Kind("conv2d"),
    "batch_norm": Kind("batch_norm"),
    "layer_norm": Kind("layer_norm"),
    "group_norm": Kind("group_norm"),
    "embedding": Kind("embedding"),
    "lstm": Kind("recurrent", "lstm"),
    "gru": Kind("recurrent", "gru"),
    "rnn_tanh": Kind("recurrent", "rnn"),
    "rnn_relu": Kind("recurrent", "rnn"),
    "dropout": Kind("dropout"),
}
"""By the name of the operator, for layers that are calls of one."""

_OWN_PREFIX = re.compile(r"(?<!^)(?=[A-Z][a-z])|(?<=[a-z0-9])(?=[A-Z])")


def kind_of(module: nn.Module) -> Kind:
    """From the operator of a single call (`operator`), else the name of the module's class as its author
    wrote it (`original_name`). A class that is not known is its own name: `PatchEmbed` is `patch_embed`."""
    operator = getattr(module, "operator", None)
    if isinstance(operator, str):
        name = operator.rpartition("::")[2].partition(".")[0]
        name = name if name in _OPERATORS else name.rstrip("_")  # relu_ writes to its input
        return _OPERATORS.get(name, Kind(name))
    original = getattr(module, "original_name", None)
    class_name = original if isinstance(original, str) and original else type(module).__name__
    return _CLASSES.get(class_name) or Kind(_OWN_PREFIX.sub("_", class_name).lower()[:100])
