"""Shorter ways to operators that networks call most: PyTorch's own Python functions.

They parse their arguments faster than operators called by overload; on a network of small layers that is a
few percent of a step. Each takes its positional arguments in the order of the operator's schema.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workers.uploads.torchscript.operators.embeddings import embedding

QUICK: dict[str, Callable[..., Any]] = {
    "aten::linear": functional.linear,
    "aten::conv1d": torch.conv1d,
    "aten::conv2d": torch.conv2d,
    "aten::matmul": torch.matmul,
    "aten::bmm": torch.bmm,
    "aten::addmm": torch.addmm,
    "aten::relu": torch.relu,
    "aten::relu_": torch.relu_,
    "aten::sigmoid": torch.sigmoid,
    "aten::tanh": torch.tanh,
    "aten::exp": torch.exp,
    "aten::softmax.int": torch.softmax,
    "aten::dropout": torch.dropout,
    "aten::batch_norm": torch.batch_norm,
    "aten::layer_norm": torch.layer_norm,
    "aten::embedding": embedding,
    "aten::cat": torch.cat,
    "aten::stack": torch.stack,
    "aten::flatten.using_ints": torch.flatten,
    "aten::transpose.int": torch.transpose,
    "aten::permute": torch.permute,
    "aten::unsqueeze": torch.unsqueeze,
    "aten::squeeze.dim": torch.squeeze,
    "aten::select.int": torch.select,
    "aten::chunk": torch.chunk,
    "aten::view": Tensor.view,
    "aten::reshape": torch.reshape,
    "aten::contiguous": Tensor.contiguous,
    "aten::expand": Tensor.expand,
    "aten::add.Tensor": torch.add,
    "aten::sub.Tensor": torch.sub,
    "aten::mul.Tensor": torch.mul,
    "aten::div.Tensor": torch.div,
    "aten::t": torch.t,
    "aten::clone": torch.clone,
}
"""By overload."""
