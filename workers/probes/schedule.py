"""Which steps are measured: a function of the request alone, so that the same request gives the same trace.

See docs/decisions/0005-deterministic-probe-schedule.md for why the clock has no say in it.
"""

import math
from dataclasses import dataclass

from service.contract.training_plan import ProbePlan

DENSE_STEPS = 16
"""`auto` measures each of the first steps: that is where most illnesses show."""

FULL_MEASUREMENT_COST = 0.4
"""Cost of a full measurement relative to a plain step, beyond what every step costs anyway: about that of a
network whose step takes 2 ms, where it is dearest; larger ones pay 0.05 to 0.2
(benchmarks/probe_overhead.py)."""

MAX_CELLS = 400_000
"""Bound on steps x layers per series: 28 series of it take 90 MB."""

THROUGH_TIME_RATIO = 8
"""Through-time measurements unroll the recurrence, which costs several steps: first, 8, 64, 512, …, last."""


@dataclass(frozen=True)
class Schedule:
    """The steps at which to measure."""

    full: frozenset[int]
    """Steps of full measurements: every statistic of every layer."""
    every_step_stride: int
    """Stride of what is cheap enough for every step (gradient norms, update ratios); 1 unless a run is
    huge."""
    through_time: frozenset[int]
    """Steps at which the gradient through time is measured."""
    ledger: frozenset[int]
    """Steps at which the ledger is taken: the first and the last."""

    @classmethod
    def plan(cls, probe: ProbePlan, steps: int, layers: int) -> "Schedule":
        """Schedule for `steps` optimizer steps (0: one forward and backward pass) of a network of
        `layers`."""
        made = max(steps, 1)
        rows = max(64, MAX_CELLS // max(layers, 1))
        full = _auto(made, probe.budget) if probe.every == "auto" else _regular(made, probe.every)
        if len(full) > rows:
            full = _regular(made, math.ceil(made / rows))
        return cls(
            frozenset(full), math.ceil(made / rows), frozenset(_geometric(made)), frozenset({0, made - 1})
        )


def _regular(made: int, every: int) -> list[int]:
    return sorted({*range(0, made, max(every, 1)), made - 1})


def _auto(made: int, budget: float) -> list[int]:
    """Each of the first steps, then gaps of at least cost / budget that grow with the step, and the last."""
    if budget <= 0.0:
        return sorted({0, made - 1})
    smallest_gap = math.ceil(FULL_MEASUREMENT_COST / budget)
    steps = list(range(min(DENSE_STEPS, made)))
    step = DENSE_STEPS
    while step < made:
        steps.append(step)
        step += max(smallest_gap, step // DENSE_STEPS)
    return sorted({*steps, made - 1})


def _geometric(made: int) -> list[int]:
    steps = {0, made - 1}
    step = THROUGH_TIME_RATIO
    while step < made:
        steps.add(step)
        step *= THROUGH_TIME_RATIO
    return sorted(steps)
