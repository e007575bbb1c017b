"""What code asks of tensors, devices and the interpreter itself."""

import operator
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.limits import check_length, invalid
from workers.uploads.torchscript.operators import dtypes


def _never(*_: Any) -> bool:
    return False


def _nothing(*_: Any) -> None:
    return None


def _size(tensor: Tensor, dimension: int | None = None) -> int | list[int]:
    return list(tensor.shape) if dimension is None else tensor.size(dimension)


def _stride(tensor: Tensor, dimension: int | None = None) -> int | list[int]:
    return list(tensor.stride()) if dimension is None else tensor.stride(dimension)


def _unwrap(value: Any) -> Any:
    if value is None:
        raise invalid("A value is None where it must not be.")
    return value


def _raise(message: Any = "", *_: Any) -> None:
    raise invalid(f"The network's own code raised an error: {str(message)[:500]}")


def _list(tensor: Tensor, *_: Any) -> Any:
    check_length(tensor.numel())
    return tensor.tolist()


def _absolute(value: Any) -> Any:
    return abs(value)


def _extreme(function: Callable[..., Any]) -> Callable[..., Any]:
    """`min` and `max`: of numbers, of a list, or of the two lists."""
    return lambda *values: function(*values)


PROPERTIES: dict[str, Callable[..., Any]] = {
    "aten::size": _size,
    "aten::stride": _stride,
    "aten::dim": Tensor.dim,
    "aten::numel": Tensor.numel,
    "aten::len": len,
    "aten::is_floating_point": Tensor.is_floating_point,
    "aten::is_complex": Tensor.is_complex,
    "aten::is_contiguous": Tensor.is_contiguous,
    "aten::is_signed": Tensor.is_signed,
    "aten::is_inference": _never,
    "aten::is_leaf": lambda tensor: tensor.is_leaf,
    "aten::get_device": Tensor.get_device,
    "aten::element_size": Tensor.element_size,
    "aten::tensor": dtypes.tensor_of,
    "aten::as_tensor": dtypes.tensor_of,
    "aten::_unwrap_optional": _unwrap,
    "aten::__is__": operator.is_,
    "aten::__isnot__": operator.is_not,
    "aten::wait": lambda value: value,
    "aten::warn": _nothing,
    "aten::is_grad_enabled": torch.is_grad_enabled,
    "aten::set_grad_enabled": torch._C._set_grad_enabled,
    "aten::is_scripting": lambda: True,
    "aten::_get_tracing_state": _never,
    "aten::has_torch_function": _never,
    "aten::is_autocast_enabled": _never,
    "aten::is_autocast_cpu_enabled": _never,
    "aten::_assert_tensor_metadata": _nothing,
    "aten::_assert_async": _nothing,
    "prim::unchecked_cast": lambda value: value,
    "prim::unchecked_unwrap_optional": lambda value: value,
    "prim::Uninitialized": _nothing,
    "prim::Print": _nothing,
    "prim::RaiseException": _raise,
    "prim::device": lambda tensor: tensor.device,
    "prim::dtype": lambda tensor: dtypes.number_of(tensor.dtype),
    "prim::layout": lambda _: 0,
    "prim::requires_grad": lambda tensor: tensor.requires_grad,
    "prim::data": Tensor.detach,
    "prim::type": lambda device: device.type,
    "prim::index": lambda device: device.index,
    "prim::is_cuda": lambda tensor: tensor.is_cuda,
    "prim::is_cpu": lambda tensor: tensor.is_cpu,
    "prim::is_nested": _never,
    "prim::is_sparse": _never,
    "prim::is_sparse_csr": _never,
    "prim::is_quantized": _never,
    "prim::is_mkldnn": _never,
    "prim::is_mps": _never,
    "prim::is_xla": _never,
    "prim::is_xpu": _never,
    "prim::is_meta": _never,
    "prim::tolist": _list,
    "prim::abs": _absolute,
    "prim::min": _extreme(min),
    "prim::max": _extreme(max),
}
"""By kind of node, whatever the overload."""
