"""Backward gain: how a layer changes the size of the gradient that passes back through it."""

from collections.abc import Sequence

import numpy as np

from workers.probes.trace import FloatArray


def backward_gain(gradient_norms: FloatArray, input_tap: Sequence[int | None]) -> FloatArray:
    """‖δ at the layer's input‖ / ‖δ at its output‖, (k, layers), from (k, taps) norms.

    The gradient at the input is what passes back through this layer alone: see `taps.alias_input`. So along
    a chain the gains telescope. NaN where the input takes no gradient (the first layer) or none arrives at
    the output. Source: Glorot & Bengio 2010, §4.2 (back-propagated gradients of successive layers).
    """
    layers = len(input_tap)
    gains = np.full((gradient_norms.shape[0], layers), np.nan)
    known = [layer for layer, tap in enumerate(input_tap) if tap is not None]
    taps = [tap for tap in input_tap if tap is not None]
    at_output = gradient_norms[:, known]
    gains[:, known] = np.divide(
        gradient_norms[:, taps], at_output, out=np.full(at_output.shape, np.nan), where=at_output > 0.0
    )
    return gains
