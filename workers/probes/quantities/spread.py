"""Mean, standard deviation and extremes of a tensor's entries, from its sample."""

import numpy as np

from workers.probes.trace import FloatArray


def spread(values: FloatArray) -> dict[str, FloatArray]:
    """Statistics of (k, n, entries) samples, each (k, n). The deviation is taken around the mean in a second
    pass: one pass would cancel all digits where the mean is much larger."""
    mean = values.mean(axis=-1)
    centred = values - mean[..., None]
    variance = np.einsum("kne,kne->kn", centred, centred) / values.shape[-1]
    return {"mean": mean, "std": np.sqrt(variance), "min": values.min(axis=-1), "max": values.max(axis=-1)}
