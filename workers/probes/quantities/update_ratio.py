"""Update ratio: how much a step changes a layer's weights, relative to their size."""

import numpy as np

from workers.probes.samples import SampleBlock
from workers.probes.trace import FloatArray

NEGLIGIBLE_RMS = 1e-8
"""Weights smaller than this are fresh zeros (a zero-initialised tensor): any change would be infinitely
large."""


def update_ratio(weights: SampleBlock) -> FloatArray:
    """‖Δw‖ / ‖w‖ of each step, (k, layers), from samples of the weights before and after k steps (k + 1
    rows).

    Both are taken over the same sampled entries, so the ratio is exact for layers of up to 256 weights and
    unbiased otherwise. NaN for layers without weights and where ‖w‖ is about zero.
    """
    steps = len(weights.values) - 1
    ratios = np.full((steps, len(weights.offsets) - 1), np.nan)
    for members, sample in weights.groups():
        change = np.diff(sample, axis=0)
        moved = np.sqrt(np.einsum("kne,kne->kn", change, change, dtype=np.float64))
        size = np.sqrt(np.einsum("kne,kne->kn", sample[:-1], sample[:-1], dtype=np.float64))
        fresh = size <= NEGLIGIBLE_RMS * np.sqrt(sample.shape[-1])
        ratios[:, members] = np.divide(moved, size, out=np.full(moved.shape, np.nan), where=~fresh)
    return ratios
