"""Small samples of many tensors, step after step, without waiting for the device and without keeping a
tensor.

A sample is `RUNS` runs of `RUN_LENGTH` neighbouring entries: a run costs one cache line, where as many
entries each on its own would cost a line each. The distance between runs has no common factor with the number
of entries, so that the runs walk through all units, channels and time steps instead of hitting the same ones
in each sample.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from workers.probes.arena import Arena, HostArena

RUNS = 32
RUN_LENGTH = 8
SAMPLE_SIZE = RUNS * RUN_LENGTH


@dataclass(frozen=True)
class Layout:
    """Where a sample lies in a tensor of `entries` contiguous entries."""

    entries: int
    size: tuple[int, ...]
    stride: tuple[int, ...]

    @classmethod
    def of(cls, entries: int, limit: int = SAMPLE_SIZE) -> "Layout":
        """All entries if there are no more than `limit`, else that many, spread evenly."""
        if entries <= limit:
            return cls(entries, (entries,), (1,))
        run = RUN_LENGTH if limit % RUN_LENGTH == 0 else 1
        runs = limit // run
        distance = max(run, (entries - run) // max(runs - 1, 1))
        while distance > run and math.gcd(distance, entries) > 1:
            distance -= 1
        return cls(entries, (runs, run), (distance, 1))

    @property
    def count(self) -> int:
        return math.prod(self.size)

    def view(self, tensor: Tensor) -> Tensor:
        """The sample, sharing the tensor's memory where it is contiguous. Raises ValueError for another
        size."""
        if tensor.numel() != self.entries:
            raise ValueError(f"a tensor of {tensor.numel()} entries where {self.entries} were expected")
        flat = tensor if tensor.is_contiguous() else tensor.contiguous()
        return flat.as_strided(self.size, self.stride)


def share_out(entries: Sequence[int], limit: int = SAMPLE_SIZE) -> list[int]:
    """How many samples each of several tensors gives, in proportion to its entries, `limit` in all."""
    total = sum(entries)
    if total <= limit:
        return list(entries)
    return [max(1, limit * n // total) for n in entries]


@lru_cache(maxsize=16)
def _equally_large(
    offsets: tuple[int, ...],
) -> list[tuple[NDArray[np.int64], slice | NDArray[np.int64], int]]:
    """Samples by size: which they are, where they lie (a slice, so a view instead of a gather, where they are
    neighbours), and their size. The same at every flush."""
    groups = []
    counts = np.diff(offsets)
    for count in np.unique(counts[counts > 0]).tolist():
        members = np.flatnonzero(counts == count)
        starts = np.array(offsets, dtype=np.int64)[members]
        neighbours = starts[-1] - starts[0] == count * (len(members) - 1)
        columns = (starts[:, None] + np.arange(count)).ravel()
        where = slice(starts[0], starts[-1] + count) if neighbours else columns
        groups.append((members, where, count))
    return groups


@dataclass(frozen=True)
class SampleBlock:
    """Samples on the host: groups of tensors with equally large samples."""

    values: NDArray[np.float32]
    """(steps, entries of all samples)."""
    offsets: NDArray[np.int64]
    """(tensors + 1,) where each tensor's sample begins; the last is the end."""

    def groups(self) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Tensors by sample size: their indices, and (steps, tensors of the group, entries)."""
        for members, columns, count in _equally_large(tuple(self.offsets.tolist())):
            yield members, self.values[:, columns].reshape(len(self.values), len(members), count)

    def of(self, index: int) -> NDArray[np.float32]:
        """(steps, entries) of one tensor."""
        return self.values[:, self.offsets[index] : self.offsets[index + 1]]


class SampleLog:
    """Samples of a fixed list of tensors for up to `rows` steps.

    Each inner list of `layouts` makes one sample (a layer's weights, say) out of one or more tensors.
    """

    def __init__(self, arena: Arena, rows: int, layouts: Sequence[Sequence[Layout]]) -> None:
        self._arena = arena
        self._layouts = [layout for group in layouts for layout in group]
        counts = [sum(layout.count for layout in group) for group in layouts]
        self.offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        self._slot = arena.reserve((rows, int(self.offsets[-1])), torch.float32)

    def bind(self) -> None:
        """Take the memory, once the arena is allocated."""
        buffer = self._arena.view(self._slot)
        widths = [layout.count for layout in self._layouts]
        self._rows = [
            [
                part.view(layout.size)
                for part, layout in zip(torch.split(row, widths), self._layouts, strict=True)
            ]
            for row in buffer.unbind(0)
        ]
        self._missing = torch.full((), float("nan"), device=buffer.device)

    def write(self, row: int, tensors: Sequence[Tensor | None]) -> None:
        """Copy the sample of each tensor; NaN for None."""
        if self._layouts:
            views = [self.view(index, tensor) for index, tensor in enumerate(tensors)]
            torch._foreach_copy_(self._rows[row], views)

    def write_copies(self, row: int, copies: Sequence[Tensor | None]) -> None:
        """Copy samples that `view` gave earlier; NaN for None."""
        present = [self.view(i, None) if copy is None else copy for i, copy in enumerate(copies)]
        self.write_views(row, present)

    def write_views(self, row: int, views: Sequence[Tensor]) -> None:
        """Copy samples whose views were made before, of tensors that stay in place (parameters)."""
        if views:
            torch._foreach_copy_(self._rows[row], list(views))

    def view(self, index: int, tensor: Tensor | None) -> Tensor:
        layout = self._layouts[index]
        return self._missing.expand(layout.size) if tensor is None else layout.view(tensor)

    def read(self, host: HostArena, rows: int) -> SampleBlock:
        return SampleBlock(host.array(self._slot, rows), self.offsets)
