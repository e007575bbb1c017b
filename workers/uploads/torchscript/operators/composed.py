"""Operators that are not run themselves, but composed of ordinary ones.

- PyTorch's fused transformer layer. A transformer that was scripted in evaluation mode and frozen holds it.
  It has no gradients, and trusts the shapes that it is given. Equal up to rounding.
- `embedding` with sparse gradients, and `embedding_bag`: see `embeddings`.
- `unsafe_split` and its like. Their results share the memory of what they are given, but autograd is not told
  when it changes. A tensor that was checked and kept for the backward pass, such as the positions of a
  max-pooling, could be overwritten, and memory far away written to.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from workers.uploads.torchscript.limits import invalid
from workers.uploads.torchscript.operators.embeddings import embedding, embedding_bag


def encoder_layer(
    inputs: Tensor,
    features: int,
    heads: int,
    qkv_weight: Tensor,
    qkv_bias: Tensor,
    projection_weight: Tensor,
    projection_bias: Tensor,
    use_gelu: bool,
    norm_first: bool,
    eps: float,
    norm_weight_1: Tensor,
    norm_bias_1: Tensor,
    norm_weight_2: Tensor,
    norm_bias_2: Tensor,
    weight_1: Tensor,
    bias_1: Tensor,
    weight_2: Tensor,
    bias_2: Tensor,
    mask: Tensor | None = None,
    _mask_type: int | None = None,
) -> Tensor:
    """`aten::_transformer_encoder_layer_fwd` without a mask. Inputs: (batch, time, features).

    Raises:
        RefusalError: There is a mask.
    """
    if mask is not None:
        raise invalid("A frozen transformer layer with a mask is not supported: do not freeze it.")

    def attend(x: Tensor) -> Tensor:
        mixed = _attend(functional.linear(x, qkv_weight, qkv_bias), features, heads)
        return functional.linear(mixed, projection_weight, projection_bias)

    def transform(x: Tensor) -> Tensor:
        hidden = functional.linear(x, weight_1, bias_1)
        return functional.linear((functional.gelu if use_gelu else torch.relu)(hidden), weight_2, bias_2)

    def first_norm(x: Tensor) -> Tensor:
        return functional.layer_norm(x, (features,), norm_weight_1, norm_bias_1, eps)

    def second_norm(x: Tensor) -> Tensor:
        return functional.layer_norm(x, (features,), norm_weight_2, norm_bias_2, eps)

    if norm_first:
        attended = inputs + attend(first_norm(inputs))
        return attended + transform(second_norm(attended))
    attended = first_norm(inputs + attend(inputs))
    return second_norm(attended + transform(attended))


def _attend(qkv: Tensor, features: int, heads: int) -> Tensor:
    """Self-attention. `qkv`: (batch, time, 3 · features), to (batch, time, features)."""
    batch, time = qkv.shape[:2]
    query, key, value = qkv.view(batch, time, 3, heads, features // heads).permute(2, 0, 3, 1, 4)
    mixed = functional.scaled_dot_product_attention(query, key, value)
    return mixed.transpose(1, 2).reshape(batch, time, features)


def _of_a_copy(split: Callable[..., list[Tensor]]) -> Callable[..., list[Tensor]]:
    """Parts of a copy that nobody else has: the memory of each is its own, as autograd takes it to be. Values
    and gradients are the same bit for bit, as strides are; and a part can be written to, as cells do."""
    return lambda tensor, *arguments, **named: split(tensor.clone(), *arguments, **named)


ADJUSTED: dict[str, Callable[..., Any]] = {"aten::embedding": embedding}
"""What runs operators that are layers all the same, by overload."""
COMPOSED: dict[str, Callable[..., Any]] = {
    "aten::_transformer_encoder_layer_fwd": encoder_layer,
    "aten::embedding_bag": embedding_bag,
    "aten::embedding_bag.padding_idx": embedding_bag,
    "aten::unsafe_chunk": _of_a_copy(torch.ops.aten.unsafe_chunk.default),
    "aten::unsafe_split.Tensor": _of_a_copy(torch.ops.aten.unsafe_split.Tensor),
    "aten::unsafe_split_with_sizes": _of_a_copy(torch.ops.aten.unsafe_split_with_sizes.default),
    "aten::_unsafe_view": torch.ops.aten.view.default,
}
"""By overload."""
COMPOSED_NAMES = frozenset(overload.partition("::")[2].partition(".")[0] for overload in COMPOSED)
"""Their names in the `aten` namespace."""
