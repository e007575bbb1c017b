"""TorchScript passes dtypes, layouts and memory formats as integers; ATen believes them unchecked."""

from typing import Any

import torch

from workers.uploads.torchscript.limits import invalid

DTYPES: dict[int, torch.dtype] = {
    0: torch.uint8,
    1: torch.int8,
    2: torch.int16,
    3: torch.int32,
    4: torch.int64,
    5: torch.float16,
    6: torch.float32,
    7: torch.float64,
    9: torch.complex64,
    10: torch.complex128,
    11: torch.bool,
    15: torch.bfloat16,
}
"""ATen's numbers of dtypes, without quantized and other special ones (c10/core/ScalarType.h)."""

NUMBERS: dict[torch.dtype, int] = {dtype: number for number, dtype in DTYPES.items()}

PERMITTED: dict[str, frozenset[Any]] = {
    "ScalarType": frozenset(DTYPES) | {None},
    "Layout": frozenset({0, None}),
    "MemoryFormat": frozenset({0, 1, 2, 3, None}),
}
"""Values by the schema's name of the type. Layout 0 is strided."""


def check(kind: str, value: Any) -> None:
    """Refuse integers that stand for no dtype (`ScalarType`), layout or memory format known here."""
    if isinstance(value, torch.dtype | torch.layout | torch.memory_format):
        return
    if value not in PERMITTED[kind]:
        raise invalid(f"The value {value!r} is no {kind} that can be used here.")


def number_of(dtype: torch.dtype) -> int:
    """The integer that stands for a dtype in TorchScript."""
    if dtype not in NUMBERS:
        raise invalid(f"Tensors of {dtype} cannot be used here.")
    return NUMBERS[dtype]


def tensor_of(
    values: Any, dtype: int | None = None, device: Any = None, requires_grad: bool = False
) -> torch.Tensor:
    """`torch.tensor`, with the dtype as TorchScript writes it."""
    check("ScalarType", dtype)
    return torch.tensor(
        values, dtype=None if dtype is None else DTYPES[dtype], device=device, requires_grad=requires_grad
    )
