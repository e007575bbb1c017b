"""Norm of a layer's weights at many steps, from one exact norm and samples."""

import numpy as np

from workers.probes.samples import SampleBlock
from workers.probes.trace import FloatArray, IntArray


def weight_norm(exact: FloatArray, samples: SampleBlock, entries: IntArray) -> FloatArray:
    """‖w‖ at each of k steps, (k, layers): exact at the first, and from then on plus the change that the
    sample shows.

    Reading all weights at every step would cost as much as a small optimizer step. `exact` (layers,) is the
    norm at the first of the steps, `samples` are of the weights at each, and `entries` (layers,) is how many
    weights there are. The estimate of ‖w‖² is the difference estimator of survey sampling (Cochran,
    *Sampling Techniques*, 1977, §7.3 with slope 1): only the change since the first step carries sampling
    error, and where a sample is all of the weights there is none.
    """
    norms = np.full((len(samples.values), len(exact)), np.nan)
    for members, sample in samples.groups():
        squares = np.einsum("kne,kne->kn", sample, sample, dtype=np.float64)
        change = (squares - squares[:1]) * (entries[members] / sample.shape[-1])
        norms[:, members] = np.sqrt(np.maximum(exact[members] ** 2 + change, 0.0))
    norms[:1] = exact
    return norms
