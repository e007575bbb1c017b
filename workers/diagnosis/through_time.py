"""How the gradient changes on its way back through the time steps of a recurrent layer."""

import math
from dataclasses import dataclass

import numpy as np

from workers.diagnosis.arithmetic import log10, median, power_of_ten
from workers.diagnosis.depth import width
from workers.probes.trace import FloatArray, LayerInfo, TimeProfile, Trace

MINIMAL_LENGTH = 3
"""Time steps from which a loss of gradient with time can be spoken of."""

_SMOOTH = 2.0


@dataclass(frozen=True)
class TimeGain:
    """What the gradient loses or gains between the last time step of a recurrent layer and the first."""

    layer: LayerInfo
    length: int
    """Number of time steps."""
    total: float
    """log10 of the norm at the first time step over that at the last; -inf if it is exactly zero at the
    first."""
    within: float
    """The same from the last step but one, where the loss is not attached directly."""
    step: int | None
    """The training step; None for the median over the run."""

    @property
    def gain(self) -> float:
        """The smaller change of the two: a jump at the last step alone is no loss through time."""
        return min((self.total, self.within), key=abs)

    @property
    def per_step(self) -> float:
        """Geometric mean of the factor per time step."""
        return power_of_ten(self.gain / max(self.length - 2, 1))

    @property
    def deviation(self) -> float:
        """Standard deviation in decades that a random cell of this width has after so many steps."""
        return 0.5 / math.log(10) * math.sqrt(_SMOOTH * self.length / max(1, width_of_cell(self.layer)))


def width_of_cell(layer: LayerInfo) -> int:
    """Number of units of a recurrent layer."""
    return layer.output_shape[-1] if layer.output_shape else width(layer)


@dataclass(frozen=True)
class TimeGains:
    """A recurrent layer's gains at the start of training and over the run."""

    initial: TimeGain
    run: TimeGain


def time_gains(trace: Trace) -> dict[str, TimeGains]:
    """The gains of every recurrent layer that was measured and has a time axis, by name."""
    layers = {layer.name: layer for layer in trace.layers}
    found = {
        name: _gains(layers[name], profile) for name, profile in trace.through_time.items() if name in layers
    }
    return {name: gains for name, gains in found.items() if gains is not None}


def _gains(layer: LayerInfo, profile: TimeProfile) -> TimeGains | None:
    norms = log10(profile.norms)
    if norms.ndim != 2 or norms.shape[1] < MINIMAL_LENGTH:
        return None
    total, within = (_difference(norms[:, 0], norms[:, last]) for last in (-1, -2))
    measured = np.flatnonzero(~np.isnan(total) & ~np.isnan(within))
    if not measured.size:
        return None
    row, length = measured[0], norms.shape[1]
    return TimeGains(
        initial=TimeGain(layer, length, float(total[row]), float(within[row]), int(profile.steps[row])),
        run=TimeGain(layer, length, median(total[measured]), median(within[measured]), None),
    )


def _difference(first: FloatArray, last: FloatArray) -> FloatArray:
    """first - last, where -inf - x is -inf; NaN where the last norm itself is zero."""
    return np.where(np.isneginf(last), np.nan, first - np.where(np.isneginf(last), 0.0, last))
