import numpy as np
import pytest
import torch

from workers.training.clock import Clock, probe_overhead

WORK, RECORDING = 1.0, 0.02


def efforts(full: set[int], through_time: set[int], steps: int = 101) -> np.ndarray:
    """Steps of one second, with 0.02 of recording; 0.3 more in full steps, 5 more through time."""
    parts = np.tile([WORK - 0.1, RECORDING / 2, 0.1, RECORDING / 2], (steps, 1))
    parts[list(full), 0] += 0.3
    parts[list(through_time), 0] += 5.0
    parts[0] = 50.0  # warming up
    return parts


def test_the_overhead_counts_recording_full_measurements_and_passes_through_time() -> None:
    full, through_time = set(range(0, 101, 5)), {0, 50}
    overhead = probe_overhead(efforts(full, through_time), full, through_time)
    assert overhead == pytest.approx(1 + 0.02 + 0.3 * 19 / 100 + 5.3 / 100)


def test_the_overhead_of_a_run_without_enough_plain_steps_is_not_guessed() -> None:
    full = set(range(101))
    assert probe_overhead(efforts(full, set()), full, set()) is None


def test_the_clock_gives_the_parts_of_each_step() -> None:
    clock = Clock(torch.device("cpu"))
    for _ in range(10):
        clock.mark()
    clock.finish()
    assert clock.seconds().shape == clock.effort().shape == (2, 4)
    assert (clock.seconds() > 0).all()
