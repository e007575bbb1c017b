"""What each operation of the backward graph does to the gradient. No torch: a diagnosis reads the names."""

import re

WEIGHTS, ACTIVATION, NORMALISATION, SKIP, ATTENTION = (
    "weights", "activation", "normalisation", "skip", "attention",
)  # fmt: skip
POOLING, DROPOUT, LOSS, SCALE, OTHER = "pooling", "dropout", "loss", "scale", "other"

CAUSES = {
    WEIGHTS: "products with weights: linear, convolutional, embedding and recurrent ones",
    ACTIVATION: "derivatives of activation functions, those of gates included",
    NORMALISATION: "batch, layer and group normalisation",
    SKIP: "additions, and paths that meet: a value that is used more than once gathers a gradient from each",
    ATTENTION: "attention from query, key and value to its result, softmax included",
    POOLING: "maxima and means over positions",
    DROPOUT: "dropout",
    LOSS: "the loss function",
    SCALE: "products of two computed values: gates, scales of residual branches",
    OTHER: "what only moves entries: reshapes, selections, changes of number format",
}
"""Every cause, in the order of `LedgerTrace.causes`, with what it stands for."""

_OPERATIONS = {
    WEIGHTS: """Addmm Mm Bmm Baddbmm Addmv Mv Dot Linear Convolution MkldnnConvolution MkldnnLinear
        CudnnConvolution Embedding MkldnnRnnLayer CudnnRnn MiopenRnn ThnnFusedLstmCell ThnnFusedGruCell""",
    ACTIVATION: """Sigmoid Tanh Relu LeakyRelu Elu Gelu Silu Softplus Hardtanh Threshold""",
    NORMALISATION: """NativeBatchNorm CudnnBatchNorm MkldnnBatchNorm MiopenBatchNorm NativeLayerNorm
        FusedLayerNorm NativeGroupNorm""",
    SKIP: "Add Sub Sum",
    ATTENTION: """Softmax SafeSoftmax ScaledDotProductFlashAttentionForCpu ScaledDotProductFlashAttention
        ScaledDotProductEfficientAttention ScaledDotProductCudnnAttention""",
    POOLING: """MaxPool2DWithIndices MaxPool1DWithIndices AvgPool2D AvgPool1D AdaptiveAvgPool2D Mean""",
    DROPOUT: "NativeDropout",
    LOSS: "NllLoss NllLossNd NllLoss2D LogSoftmax MseLoss BinaryCrossEntropyWithLogits",
    SCALE: "Mul Div Rsub Neg",
    OTHER: """T Transpose Permute View UnsafeView Reshape ReshapeAlias Alias Clone Squeeze Unsqueeze Select
        Slice Stack Cat Unbind Split UnsafeSplit SplitWithSizes Expand ToCopy AsStrided Detach
        AccumulateGrad""",
}
_CAUSE_OF = {operation: cause for cause, names in _OPERATIONS.items() for operation in names.split()}
_DECORATION = re.compile(r"^torch::autograd::|Backward\d*$")

_BY_LAYER = {"dropout": DROPOUT}
"""Layers whose products are no scales: on a CPU, dropout multiplies by a mask."""


def cause_of_node(name: str, op: str | None = None) -> str | None:
    """The cause that a node of autograd stands for, by its name (`AddmmBackward0`) and the operation of the
    layer that it is part of; None for a name that is not in the table."""
    cause = _CAUSE_OF.get(_DECORATION.sub("", name))
    return _BY_LAYER.get(op, cause) if op is not None and cause == SCALE else cause
