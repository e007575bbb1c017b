"""What a run's experiments found out: plain numbers, saved in the trace's header. No torch here."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Examination:
    """Experiments on a copy of the network at one moment of the run; NaN where one does not apply."""

    step: int
    """0: before training; the number of steps made: after it."""
    loss: float
    """On the examined samples (at most 256 training samples), unscaled."""
    error_level: float
    """Classification: mean ‖p - y‖ / √(1 - 1/K), 1 for a network that knows nothing; regression: root mean
    squared error / standard deviation of the targets."""
    error_reaching_output: float
    """‖∂L/∂z‖ / ‖p - y‖ per sample, loss scale divided out: 1 = all of it, 0.02 = a softmax saturated under
    a squared error."""
    line_search_gain: float
    """Best drop of the loss along the negative gradient, relative to the loss."""
    best_step_ratio: float
    """log10(best step along the negative gradient / learning rate)."""
    overfit_ratio: float
    """Loss at the end / at the start of 60 Adam steps (learning rate 3e-3) of a copy on 32 samples. Before
    training only."""
    predicted_share_bottom: float
    """Share of the sum of squared gradient norms in the bottom half of the weight layers: of the decrease
    of the loss that the gradient predicts."""
    feature_rank: float
    """Participation ratio of the inputs of the last parametric layer."""
    input_rank: float
    """The same of the network's inputs, flattened."""
    feature_correlation: float
    """Mean correlation of two samples' last features."""
    output_variance_share: float
    """Share of the output's mean square that varies over samples."""
    flushed_share: float
    """Gradient entries that are zero in the job's number format but not in float32 (0 for float32)."""
    absorbed_share: float
    """Weights that an update leaves unchanged by rounding."""


@dataclass(frozen=True)
class DataCheck:
    """What the data themselves say, without the network; NaN where a question does not apply."""

    samples: int
    constant_features: float
    """Share of input features that never vary."""
    feature_scale_ratio: float
    """log10 of the largest over the median standard deviation of the features that vary."""
    input_mean_ratio: float
    """|mean| / standard deviation, over all inputs."""
    neighbour_score: float
    """Cross-validated accuracy of the 5 nearest neighbours (regression: R²)."""
    neighbour_score_shuffled: float
    """What the same score stays under in 95 % of permutations of the targets."""
    largest_class_share: float
    """For classification."""
    smallest_class_share: float
    """For classification."""
    duplicate_share: float
    """Share of samples whose inputs are equal to an earlier sample's."""
    input_scale: float = math.nan
    """log10 of the root mean square of all inputs; NaN in traces of earlier versions."""


@dataclass(frozen=True)
class ParameterInfo:
    """How one parameter tensor takes part in training."""

    name: str
    layer: str
    """The module that owns it; empty for the network itself."""
    size: int
    trained: bool
    """Whether it asks for a gradient and is given to the optimizer."""
    reached: bool
    """Whether it got a gradient (not None) at step 0."""
    zero_at_start: bool
    """Whether its gradient was exactly zero at step 0."""
    zero_later: bool
    """Whether it was exactly zero after training too."""


@dataclass(frozen=True)
class Cost:
    """Where the time of a step goes. Not reproducible: times differ from run to run."""

    data_seconds: float
    """Median per step, probes left out."""
    compute_seconds: float
    optimizer_seconds: float
    flops_per_step: float
    """Floating point operations of forward and backward pass of one batch."""
    achieved_flops: float
    """Operations per second, over the whole step."""
    peak_flops: float
    """Operations per second of a matrix product, measured on this device in this process."""
    denormal_share: float
    """Of the gradient's entries that are not zero, those too small for the device's full speed."""


def filled(document: Mapping[str, Any]) -> dict[str, Any]:
    """Null stands for NaN, which JSON does not have."""
    return {key: math.nan if value is None else value for key, value in document.items()}
