"""Exact Euclidean norms of many tensors, step after step, without waiting for the device."""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from workers.probes.arena import Arena, HostArena
from workers.probes.trace import FloatArray

SAFE_RMS = (1e-15, 1e9)
"""Range of root-mean-square entries within which squares summed in float32 neither underflow nor overflow,
with several decades to spare for what can change until the next flush."""


class NormLog:
    """Norms of `sizes.size` tensors for up to `rows` steps.

    float32 squares underflow below about 1e-19 and cost a third of float64's. So a tensor is summed in
    float64 first, and in float32 once its last norm is known to be far from both ends of the range. That is
    decided at `read`, at steps that depend on the schedule alone: the same run takes the same decisions.
    """

    def __init__(self, arena: Arena, rows: int, sizes: Sequence[int]) -> None:
        self._arena = arena
        self._sizes = np.maximum(np.array(sizes, dtype=np.float64), 1.0)
        shape = (rows, max(len(sizes), 1))
        self._narrow_slot = arena.reserve(shape, torch.float32)
        self._wide_slot = arena.reserve(shape, torch.float64)
        self.wide = [True] * len(sizes)
        self._split()

    def bind(self) -> None:
        """Take the memory, once the arena is allocated."""
        self._narrow = self._arena.view(self._narrow_slot)
        self._wide = self._arena.view(self._wide_slot)
        self._missing = torch.full((), float("nan"), device=self._narrow.device)

    def write(self, row: int, tensors: Sequence[Tensor | None]) -> None:
        """Record the norm of each tensor; NaN for None."""
        self.write_norms(
            row,
            self._norms(self._narrow_indices, tensors, torch.float32),
            self._norms(self._wide_indices, tensors, torch.float64),
        )

    def write_each(self, row: int, norms: Sequence[Tensor | None]) -> None:
        """Record norms that `norm_of` took one by one; NaN for None."""
        self.write_norms(
            row,
            [self._or_missing(norms[i], torch.float32) for i in self._narrow_indices],
            [self._or_missing(norms[i], torch.float64) for i in self._wide_indices],
        )

    def norm_of(self, index: int, tensor: Tensor) -> Tensor:
        """Norm of one tensor, in the precision that it needs."""
        dtype = torch.float64 if self.wide[index] or tensor.dtype == torch.float64 else torch.float32
        norm: Tensor = torch.linalg.vector_norm(tensor, dtype=dtype)
        return norm

    def write_norms(self, row: int, narrow: Sequence[Tensor], wide: Sequence[Tensor]) -> None:
        if narrow:
            torch.stack(list(narrow), out=self._narrow[row, : len(narrow)])
        if wide:
            torch.stack(list(wide), out=self._wide[row, : len(wide)])

    def read(self, host: HostArena, rows: int) -> FloatArray:
        """(rows, tensors) norms; then choose each tensor's precision for the next rows."""
        norms = np.full((rows, len(self.wide)), np.nan)
        narrow, wide = host.array(self._narrow_slot, rows), host.array(self._wide_slot, rows)
        norms[:, self._narrow_indices] = narrow[:, : len(self._narrow_indices)]
        norms[:, self._wide_indices] = wide[:, : len(self._wide_indices)]
        if rows:
            rms = norms[-1] / np.sqrt(self._sizes)
            self.wide = [not SAFE_RMS[0] < value < SAFE_RMS[1] for value in rms.tolist()]
            self._split()
        return norms

    def _split(self) -> None:
        self._narrow_indices = [i for i, wide in enumerate(self.wide) if not wide]
        self._wide_indices = [i for i, wide in enumerate(self.wide) if wide]

    def _norms(
        self, indices: list[int], tensors: Sequence[Tensor | None], dtype: torch.dtype
    ) -> Sequence[Tensor]:
        if not indices:
            return ()
        present = [self._missing if (t := tensors[i]) is None else t for i in indices]
        return torch._foreach_norm(present, 2, dtype)

    def _or_missing(self, norm: Tensor | None, dtype: torch.dtype) -> Tensor:
        return (self._missing if norm is None else norm).to(dtype)
