"""Bounds on the size of operators' results: numbers of elements that they cannot exceed, cheap to compute."""

import math
from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import MAX_ELEMENTS

Bound = Callable[..., float]
"""(arguments of the operator) to a number of elements."""


def _factor(value: Any) -> float:
    """What an argument can multiply the size of a result by, at most."""
    if isinstance(value, Tensor):
        return max(value.numel(), 1)
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return 1.0
    if isinstance(value, int):
        return abs(value) + 1.0
    if isinstance(value, float):
        size = abs(value)
        return max(size, 1.0 / size, 1.0) + 1.0 if size > 0.0 and math.isfinite(size) else math.inf
    if isinstance(value, list | tuple):
        return _product(*value)
    return 1.0


def _product(*arguments: Any) -> float:
    bound = 1.0
    for argument in arguments:
        bound *= _factor(argument)
    return bound


def _total(tensors: Iterable[Tensor], *_: Any) -> float:
    """Of tensors put together."""
    return float(sum(tensor.numel() for tensor in tensors))


def broadcast(first: Any, second: Any, *_: Any) -> float:
    """Of two tensors of which each may be stretched along the other."""
    if not isinstance(second, Tensor) or not isinstance(first, Tensor):
        return 0.0
    bound = first.numel() * second.numel()
    if bound <= MAX_ELEMENTS or first.shape == second.shape:
        return min(bound, MAX_ELEMENTS)
    return _broadcast_elements(first.shape, second.shape)


def _broadcast_elements(first: tuple[int, ...], second: tuple[int, ...]) -> float:
    length = max(len(first), len(second))
    padded = ((1,) * (length - len(shape)) + tuple(shape) for shape in (first, second))
    return float(math.prod(map(max, *padded)))


def matmul(first: Tensor, second: Tensor, *_: Any) -> float:
    bound = first.numel() * second.numel()
    if bound <= MAX_ELEMENTS or first.dim() < 2 or second.dim() < 2:
        return bound
    batches = _broadcast_elements(first.shape[:-2], second.shape[:-2])
    return batches * first.shape[-2] * second.shape[-1]


def linear(inputs: Tensor, weight: Tensor, *_: Any) -> float:
    return inputs.numel() * weight.numel() / max(inputs.shape[-1] if inputs.dim() else 1, 1) ** 2


def _expand(tensor: Tensor, sizes: list[int], **_: Any) -> float:
    stretched = max(math.prod(max(size, 1) for size in sizes), 1)
    kept = (
        tensor.shape[i - len(sizes)]
        for i, size in enumerate(sizes)
        if size < 0 and len(sizes) - i <= tensor.dim()
    )
    return float(stretched * math.prod(kept))


def _expand_as(_: Tensor, other: Tensor) -> float:
    return float(other.numel())


def _convolution(
    inputs: Tensor, weight: Tensor, _: Any = None, _stride: Any = 1, padding: Any = 0, *__: Any
) -> float:
    """Of a convolution: never more places than the padded input has. Inputs of too few dimensions are its own
    to refuse."""
    if inputs.dim() < weight.dim() - 1:
        return 0.0
    bound = inputs.numel() * weight.shape[0] / max(inputs.shape[-weight.dim() + 1], 1)
    pads = padding if isinstance(padding, list) else [0]
    for index, size in enumerate(inputs.shape[2 - weight.dim() :]):
        pad = pads[index if len(pads) > 1 else 0]
        bound *= (size + 2 * abs(pad)) / max(size, 1)
    return bound


def _any_convolution(*arguments: Any) -> float:
    """Of `_convolution`, whose seventh argument says whether it is transposed."""
    return _product(*arguments[:8]) if arguments[6] else _convolution(*arguments[:6])


def _embedding(weight: Tensor, indices: Tensor, *_: Any) -> float:
    return float(indices.numel() * weight.shape[-1])


def _one_hot(classes: Tensor, count: int = -1) -> float:
    if count < 0:
        count = int(classes.max()) + 1 if classes.numel() else 0
    return float(classes.numel()) * count


def _index_select(tensor: Tensor, dimension: int, indices: Tensor) -> float:
    return tensor.numel() / max(tensor.shape[dimension] if tensor.dim() else 1, 1) * indices.numel()


def _index(tensor: Tensor, indices: list[Tensor | None]) -> float:
    bound, dimension = float(tensor.numel()), 0
    for index in indices:
        if index is None or index.dtype not in (torch.bool, torch.uint8):
            bound *= 1.0 if index is None else index.numel() / max(tensor.shape[dimension], 1)
            dimension += 1
        else:
            dimension += index.dim()
    return bound


def _unbounded(*_: Any) -> float:
    return math.inf


def _table(bound: Bound, names: str) -> dict[str, Bound]:
    return dict.fromkeys(names.split(), bound)


BOUNDS: dict[str, Bound] = {
    **_table(
        _product,
        """
        arange empty empty_like full full_like hann_window hamming_window linspace logspace new_empty
        new_full new_ones new_zeros ones rand randint randn randperm tril_indices triu_indices zeros
        multinomial normal broadcast_to repeat repeat_interleave tile pad constant_pad_nd
        reflection_pad1d reflection_pad2d reflection_pad3d replication_pad1d replication_pad2d
        replication_pad3d _pad_circular _pad_enum im2col col2im unfold take outer ger kron cdist meshgrid
        einsum tensordot bilinear adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d
        adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d _adaptive_avg_pool2d
        _adaptive_avg_pool3d upsample_nearest1d upsample_nearest2d upsample_nearest3d
        _upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_linear1d
        upsample_bilinear2d upsample_bicubic2d upsample_trilinear3d _upsample_bilinear2d_aa
        _upsample_bicubic2d_aa affine_grid_generator grid_sampler grid_sampler_2d grid_sampler_3d
        conv_tbc conv_transpose1d conv_transpose2d conv_transpose3d convolution fft_fft fft_fft2 fft_fftn
        fft_ifft fft_ifft2 fft_ifftn fft_irfft fft_irfft2 fft_irfftn fft_rfft fft_rfft2 fft_rfftn
        """,
    ),
    **_table(_total, "cat concat concatenate stack hstack vstack dstack column_stack row_stack"),
    **_table(
        broadcast,
        """
        add sub mul div subtract multiply divide true_divide floor_divide remainder fmod pow atan2 maximum
        minimum fmax fmin eq ne lt le gt ge logical_and logical_or logical_xor bitwise_and bitwise_or
        bitwise_xor masked_fill copysign hypot logaddexp logaddexp2 xlogy rsub
        """,
    ),
    **_table(matmul, "matmul mm bmm linalg_matmul inner"),
    **_table(_convolution, "conv1d conv2d conv3d _convolution_mode"),
    "_convolution": _any_convolution,
    "linear": linear,
    "expand": _expand,
    "expand_as": _expand_as,
    "embedding": _embedding,
    "index_select": _index_select,
    "index": _index,
    "one_hot": _one_hot,
    **_table(
        _unbounded,
        "eye diag diag_embed block_diag where lerp addcmul addcdiv broadcast_tensors addr _trilinear "
        "chain_matmul linalg_multi_dot addbmm baddbmm",
    ),
}
"""By name in the `aten` namespace: operators whose result can be larger than what they are given."""

BELOW_PRODUCT: frozenset[Bound] = frozenset({broadcast, matmul, linear})
"""Bounds that never exceed the product of the sizes of two tensors."""
