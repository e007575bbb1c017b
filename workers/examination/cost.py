"""Where the time of a step goes, and what the device could do."""

import math
import time
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from functools import lru_cache

import numpy as np
import torch
from torch.backends import cudnn, mkldnn
from torch.utils.flop_counter import FlopCounterMode

from workers.examination.subject import Subject
from workers.probes.trace import Cost, FloatArray

COUNTED_SAMPLES = 8
"""Operations are counted on few samples: their number grows with the samples."""

PEAK_SECONDS = 0.1
PEAK_PRODUCTS = 100
"""Time and products that the measurement takes, whichever is up first."""

MATRIX = {"cpu": 512, "cuda": 4096}
"""Rows of the square matrices whose product shows what the device can do."""


class TimedBatches:
    """Passes batches on, and keeps how long each took to come."""

    def __init__(self, batches: Iterator[tuple[torch.Tensor, torch.Tensor]]) -> None:
        self._batches = batches
        self.seconds: list[float] = []

    def __iter__(self) -> Iterator[tuple[torch.Tensor, torch.Tensor]]:
        return self

    def __next__(self) -> tuple[torch.Tensor, torch.Tensor]:
        began = time.perf_counter()
        batch = next(self._batches)
        self.seconds.append(time.perf_counter() - began)
        return batch


def flops_per_sample(subject: Subject) -> float:
    """Floating point operations of matrix products and convolutions in a forward and a backward pass, for
    one sample; NaN where there are none. Fused recurrent kernels hide theirs, so they are turned off."""
    few = subject.few(COUNTED_SAMPLES)
    with _open_kernels(), FlopCounterMode(display=False) as counter:
        few.gradients()
    return counter.get_total_flops() / len(few.inputs) or math.nan


@lru_cache(maxsize=8)
def peak_flops(device: torch.device, dtype: torch.dtype = torch.float32) -> float:
    """Operations per second of a large matrix product on the device, with the threads that this process
    uses: the median of those made in a moment."""
    size = MATRIX.get(device.type, 512)
    # Not drawn: a measurement must leave the run's random numbers alone.
    matrix = torch.full((size, size), 1.0 / size, device=device, dtype=dtype)
    seconds: list[float] = []
    while sum(seconds) < PEAK_SECONDS and len(seconds) < PEAK_PRODUCTS:
        began = time.perf_counter()
        matrix @ matrix
        if device.type == "cuda":
            torch.cuda.synchronize(device)
        seconds.append(time.perf_counter() - began)
    return 2.0 * size**3 / float(np.median(seconds))


def cost(
    parts: FloatArray,
    data_seconds: Sequence[float],
    measured: Set[int],
    flops: float,
    peak: float,
    denormal: float,
) -> Cost:
    """Medians over the steps that were not `measured` (over all if there are no others); the first one warms
    up and is left out too. `parts` is `Clock.seconds()`, `flops` those of one step."""
    steps = range(min(len(parts), len(data_seconds)))
    chosen = [s for s in steps if s and s not in measured] or list(steps[1:]) or list(steps)
    if not chosen:
        return Cost(math.nan, math.nan, math.nan, flops, math.nan, peak, denormal)
    data = float(np.median([data_seconds[s] for s in chosen]))
    compute, optimizer = (float(np.median(parts[chosen, part])) for part in (0, 2))
    whole = data + compute + optimizer
    return Cost(data, compute, optimizer, flops, flops / whole if whole else math.nan, peak, denormal)


@contextmanager
def _open_kernels() -> Iterator[None]:
    """Only kernels that are made of others, which can be counted. (`mkldnn.flags` would touch the settings of
    precision as well.)"""
    kept = bool(mkldnn.enabled), bool(cudnn.enabled)
    _enable(False, False)
    try:
        yield
    finally:
        _enable(*kept)


def _enable(fused_on_cpu: bool, fused_on_gpu: bool) -> None:
    setattr(mkldnn, "enabled", fused_on_cpu)  # noqa: B010 - a property, which a type checker does not see
    setattr(cudnn, "enabled", fused_on_gpu)  # noqa: B010
