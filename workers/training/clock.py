"""How long the steps take, and how much of that the probes cost."""

import time
from collections import deque
from collections.abc import Set
from itertools import pairwise

import numpy as np
import torch

from workers.probes.trace import FloatArray

MARKS = 5
ENOUGH_STEPS = 20
"""Steps needed for a mean that means something."""

HostMark = tuple[float, float]
"""Wall-clock and processor seconds."""


class Clock:
    """Durations of the parts of each step: as the host sees them, or on a GPU, whose queue runs behind the
    host, as the device sees them. Never waits for the device before `finish`."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._marks: list[HostMark | torch.cuda.Event] = []
        self._pending: deque[list[HostMark | torch.cuda.Event]] = deque()
        self._parts: list[list[HostMark]] = []

    def mark(self) -> None:
        """Called at five moments of a step: it begins; the gradients are there; they are recorded; the
        optimizer has stepped; it ends. So its parts are: forward and backward pass, recording, optimizer,
        recording."""
        self._marks.append(self._now())
        if len(self._marks) == MARKS:
            self._pending.append(self._marks)
            self._marks = []
            self._settle()

    def finish(self) -> None:
        """Wait for the device, if there is one."""
        if self._cuda:
            torch.cuda.synchronize()
        self._settle()

    def seconds(self) -> FloatArray:
        """(steps, 4) wall-clock durations of the parts of each step."""
        return self._array()[:, :, 0]

    def effort(self) -> FloatArray:
        """(steps, 4) what the parts cost: processor seconds, which a busy machine does not stretch, or
        seconds of the GPU."""
        return self._array()[:, :, 1]

    def _array(self) -> FloatArray:
        return np.array(self._parts, dtype=np.float64).reshape(-1, MARKS - 1, 2)

    def _now(self) -> "HostMark | torch.cuda.Event":
        if not self._cuda:
            return time.perf_counter(), time.process_time()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def _settle(self) -> None:
        """Turn finished steps into numbers, so that no events pile up."""
        while self._pending and _passed(self._pending[0][-1]):
            marks = self._pending.popleft()
            self._parts.append([_between(a, b) for a, b in pairwise(marks)])


def _passed(mark: "HostMark | torch.cuda.Event") -> bool:
    return isinstance(mark, tuple) or bool(mark.query())  # type: ignore[no-untyped-call]


def _between(start: "HostMark | torch.cuda.Event", end: "HostMark | torch.cuda.Event") -> HostMark:
    if isinstance(start, tuple) and isinstance(end, tuple):
        return end[0] - start[0], end[1] - start[1]
    assert isinstance(start, torch.cuda.Event)
    assert isinstance(end, torch.cuda.Event)
    seconds = float(start.elapsed_time(end)) / 1e3
    return seconds, seconds


def probe_overhead(effort: FloatArray, full: Set[int], through_time: Set[int]) -> float | None:
    """Cost of a run over its estimated cost without probes; None where it was too short to tell.

    `effort` is `Clock.effort()`, `full` and `through_time` are the steps measured so. What a plain step costs
    is taken from the steps that were not measured in full, less what recording cost in them. The first step
    warms up and is left out. Means, not medians: the processor time of other threads (autograd's, OpenMP's)
    arrives in lumps, at the kernel's ticks, which are farther apart than the steps of a small network.
    """
    work, recording = effort[:, 0] + effort[:, 2], effort[:, 1] + effort[:, 3]
    steps = range(1, len(effort))
    plain = [work[s] for s in steps if s not in full and s not in through_time]
    instrumented = [work[s] for s in steps if s in full and s not in through_time]
    if len(plain) < ENOUGH_STEPS or len(instrumented) < ENOUGH_STEPS // 2:
        return None
    plain_step = float(np.mean(plain))
    if plain_step <= 0.0:  # shorter than the clock's resolution
        return None
    extra = float(recording[1:].sum())
    for measured in (instrumented, [work[s] for s in steps if s in through_time]):
        extra += max(0.0, float(np.sum(measured)) - plain_step * len(measured))
    return 1.0 + extra / (plain_step * len(steps))
