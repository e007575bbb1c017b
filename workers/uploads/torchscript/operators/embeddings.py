"""Tables of vectors, with dense gradients: hardly any optimizer takes sparse ones.

- `embedding`, with words for what is no token of its table.
- `embedding_bag`, composed of ordinary operators: PyTorch's own trusts its offsets. Equal up to rounding;
  where the largest entry of a bag stands there twice, both share its gradient.
"""

from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import invalid

SUM, MEAN, MAX = range(3)
"""Modes, by their numbers in the schema."""


def embedding(
    weight: Tensor,
    indices: Tensor,
    padding_index: int = -1,
    scale_by_frequency: bool = False,
    _sparse: bool = False,
) -> Tensor:
    """`aten::embedding` with dense gradients.

    Raises:
        RefusalError: It is given numbers that are no rows of its table.
    """
    if indices.is_floating_point():
        raise invalid(
            f"An embedding takes tokens, and is given {str(indices.dtype).removeprefix('torch.')} numbers: "
            "save tokens as an int32 or int64 array of two dimensions, (samples, positions)."
        )
    try:
        return torch.embedding(weight, indices, padding_index, scale_by_frequency, False)
    except IndexError as error:
        raise invalid(
            f"An embedding of {len(weight)} rows, 0 to {len(weight) - 1}, is given the tokens "
            f"{int(indices.min())} to {int(indices.max())}."
        ) from error


def embedding_bag(
    weight: Tensor,
    indices: Tensor,
    offsets: Tensor,
    scale_by_frequency: bool = False,
    mode: int = SUM,
    _sparse: bool = False,
    sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_index: int | None = None,
) -> tuple[Tensor, Any, Any, Any]:
    """The sum, mean or largest of the rows of each bag, (bags, features), with dense gradients. Bag i begins
    at `offsets[i]` in `indices`. What else the operator gives, layers do not use: None.

    Raises:
        RefusalError: Offsets, indices or weights are not what they must be.
    """
    bags = _bag_of_each(indices, offsets, include_last_offset)
    count = len(offsets) - include_last_offset
    if sample_weights is not None and (mode != SUM or sample_weights.shape != indices.shape):
        raise invalid("An embedding of bags needs a weight for each index, in the mode that sums.")
    if padding_index is not None:
        kept = indices != padding_index % len(weight)
        indices, bags = indices[kept], bags[kept]
        sample_weights = None if sample_weights is None else sample_weights[kept]
    rows = embedding(weight, indices, scale_by_frequency=scale_by_frequency)
    if sample_weights is not None:
        rows = rows * sample_weights[:, None]
    return _reduced(rows, bags, count, mode), None, None, None


def _bag_of_each(indices: Tensor, offsets: Tensor, include_last_offset: bool) -> Tensor:
    """The number of the bag that each index is in."""
    if indices.dim() != 1 or offsets.dim() != 1 or len(offsets) <= include_last_offset:
        raise invalid("An embedding of bags needs lists of indices and of offsets.")
    ends = (
        offsets[1:] if include_last_offset else torch.cat([offsets[1:], offsets.new_tensor([len(indices)])])
    )
    starts = offsets[: len(ends)]
    whole = bool(starts[0] == 0) and bool(ends[-1] == len(indices))
    if not whole or bool((ends < starts).any()):
        raise invalid("An embedding of bags is given offsets that do not divide its indices.")
    return torch.repeat_interleave(torch.arange(len(ends), device=indices.device), ends - starts)


def _reduced(rows: Tensor, bags: Tensor, count: int, mode: int) -> Tensor:
    empty = rows.new_zeros(count, rows.shape[1])
    if mode == MAX:
        places = bags[:, None].expand_as(rows)
        return empty.scatter_reduce(0, places, rows, "amax", include_self=False)
    total = empty.index_add(0, bags, rows)
    if mode == SUM:
        return total
    if mode != MEAN:
        raise invalid("An embedding of bags knows the modes 0, 1 and 2.")
    return total / torch.bincount(bags, minlength=count).clamp(min=1)[:, None]
