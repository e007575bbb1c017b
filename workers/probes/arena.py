"""One block of device memory for everything that is measured between two flushes."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor

_ALIGNMENT = 16


@dataclass(frozen=True)
class Slot:
    """A typed array inside the arena."""

    offset: int
    shape: tuple[int, ...]
    dtype: torch.dtype

    @property
    def size(self) -> int:
        return math.prod(self.shape) * self.dtype.itemsize

    def carve(self, block: Tensor) -> Tensor:
        """This slot's part of `block`, sharing its memory."""
        return block[self.offset : self.offset + self.size].view(self.dtype).view(self.shape)


class Arena:
    """Typed arrays that share one block, so that one copy, and so one synchronisation, brings all to the
    host."""

    def __init__(self, device: torch.device) -> None:
        self._device = device
        self._size = 0
        self._block = torch.empty(0, dtype=torch.uint8, device=device)

    def reserve(self, shape: tuple[int, ...], dtype: torch.dtype) -> Slot:
        """Ask for an array; all are asked for before `allocate`."""
        slot = Slot(self._size, shape, dtype)
        self._size = -(-(self._size + slot.size) // _ALIGNMENT) * _ALIGNMENT
        return slot

    def allocate(self) -> None:
        self._block = torch.zeros(self._size, dtype=torch.uint8, device=self._device)

    def view(self, slot: Slot) -> Tensor:
        """The slot's array on the device."""
        return slot.carve(self._block)

    def fetch(self) -> "HostArena":
        """Copy everything to the host: the only place where the recorder waits for the device."""
        return HostArena(self._block.cpu())


class HostArena:
    """An arena's contents on the host. On a CPU it is the arena's own memory: use it before the next
    write."""

    def __init__(self, block: Tensor) -> None:
        self._block = block

    def array(self, slot: Slot, rows: int) -> NDArray[Any]:
        """The first `rows` rows of the slot's array."""
        array: NDArray[Any] = slot.carve(self._block)[:rows].numpy()
        return array
