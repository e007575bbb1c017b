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
"""Steps needed for a median that means something."""


class Clock:
    """Durations of the parts of each step: as the host sees them, or on a GPU, whose queue runs behind the
    host, as the device sees them. Never waits for the device before `seconds`."""

    def __init__(self, device: torch.device) -> None:
        self._cuda = device.type == "cuda"
        self._marks: list[float | torch.cuda.Event] = []
        self._pending: deque[list[float | torch.cuda.Event]] = deque()
        self._parts: list[list[float]] = []

    def mark(self) -> None:
        """Called at five moments of a step: it begins; the gradients are there; they are recorded; the
        optimizer has stepped; it ends."""
        self._marks.append(self._now())
        if len(self._marks) == MARKS:
            self._pending.append(self._marks)
            self._marks = []
            self._settle(wait=False)

    def seconds(self) -> FloatArray:
        """(steps, 4) durations of the parts: forward and backward pass, recording, optimizer, recording."""
        self._settle(wait=True)
        return np.array(self._parts, dtype=np.float64).reshape(-1, MARKS - 1)

    def _now(self) -> "float | torch.cuda.Event":
        if not self._cuda:
            return time.perf_counter()
        event = torch.cuda.Event(enable_timing=True)  # type: ignore[no-untyped-call]
        event.record()
        return event

    def _settle(self, wait: bool) -> None:
        """Turn finished steps into numbers, so that no events pile up."""
        if wait and self._cuda:
            torch.cuda.synchronize()
        while self._pending and _passed(self._pending[0][-1]):
            marks = self._pending.popleft()
            self._parts.append([_between(a, b) for a, b in pairwise(marks)])


def _passed(mark: "float | torch.cuda.Event") -> bool:
    return isinstance(mark, float) or bool(mark.query())  # type: ignore[no-untyped-call]


def _between(start: "float | torch.cuda.Event", end: "float | torch.cuda.Event") -> float:
    if isinstance(start, float) or isinstance(end, float):
        return float(end) - float(start)  # type: ignore[arg-type]
    return float(start.elapsed_time(end)) / 1e3


def probe_overhead(parts: FloatArray, full: Set[int], through_time: Set[int]) -> float | None:
    """Duration of a run over its estimated duration without probes; None where it was too short to tell.

    `parts` are `Clock.seconds()`, `full` and `through_time` the steps measured so. A plain step is taken from
    the steps that were not measured in full, less the time spent recording in them. Medians, because a busy
    machine stretches single steps.
    """
    work, recording = parts[:, 0] + parts[:, 2], parts[:, 1] + parts[:, 3]
    steps = range(1, len(parts))  # the first one warms up
    plain = [work[s] for s in steps if s not in full and s not in through_time]
    instrumented = [work[s] for s in steps if s in full and s not in through_time]
    if len(plain) < ENOUGH_STEPS or len(instrumented) < ENOUGH_STEPS // 2:
        return None
    plain_step = float(np.median(plain))
    extra = float(recording[1:].sum())
    extra += max(0.0, float(np.median(instrumented)) - plain_step) * len(instrumented)
    extra += sum(max(0.0, float(work[s]) - plain_step) for s in steps if s in through_time)
    return 1.0 + extra / (plain_step * len(steps))
