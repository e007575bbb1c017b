"""What is left of the differences between samples where the last weights see them."""

import math
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workers.examination.subject import Subject
from workers.examination.weights import weight_layers

MAX_FEATURES = 65_536
"""Of more features, evenly spaced ones are taken."""

ROUNDING = 1e-13
"""A share of variation below this is rounding of float32, (3e-7)²: there is none."""


@dataclass(frozen=True)
class Representation:
    feature_rank: float
    input_rank: float
    feature_correlation: float
    output_variance_share: float


@torch.no_grad()
def representation(subject: Subject) -> Representation:
    """See Examination. Deep networks can lose the differences between samples going forward, with a gradient
    that is perfectly well (Poole et al. 2016; Daneshmand et al. 2020)."""
    features, outputs = _last_features(subject)
    return Representation(
        feature_rank=participation_ratio(features) if features is not None else math.nan,
        input_rank=participation_ratio(subject.inputs) if subject.inputs.is_floating_point() else math.nan,
        feature_correlation=mean_correlation(features) if features is not None else math.nan,
        output_variance_share=variance_share(_rows(outputs)),
    )


def participation_ratio(values: Tensor) -> float:
    """(Σλ)² / Σλ² of the covariance over samples (the first dimension): the number of directions that carry
    the variation. 0 if nothing varies, NaN for values that are not finite."""
    rows = _rows(values)
    share = variance_share(rows)
    if math.isnan(share) or share < ROUNDING:
        return 0.0 if share < ROUNDING else math.nan
    centred = rows - rows.mean(0)
    centred = centred / centred.abs().max()
    gram = centred @ centred.T if centred.shape[0] <= centred.shape[1] else centred.T @ centred
    return float(gram.trace() ** 2 / gram.square().sum())


def mean_correlation(values: Tensor) -> float:
    """Mean cosine of the angle between two samples (uncentred, as in Poole et al. 2016); samples that are
    zero have none and are left out."""
    rows = _rows(values)
    norms = rows.norm(dim=1)
    rows = rows[norms > 0] / norms[norms > 0, None]
    count = len(rows)
    if count < 2:
        return math.nan
    return float((rows.sum(0).square().sum() - count) / (count * (count - 1)))


def variance_share(rows: Tensor) -> float:
    """Σ(x - mean over samples)² / Σx²; 0 if all is zero, NaN for values that are not finite."""
    largest = float(rows.abs().max())
    if not math.isfinite(largest):
        return math.nan
    if largest == 0.0:
        return 0.0
    rows = rows / largest
    return float((rows - rows.mean(0)).square().sum() / rows.square().sum())


def _rows(values: Tensor) -> Tensor:
    """(samples, features) in float64."""
    flat = values.flatten(1) if values.dim() > 1 else values[:, None]
    return flat[:, :: -(-flat.shape[1] // MAX_FEATURES)].double()


def _last_features(subject: Subject) -> tuple[Tensor | None, Tensor]:
    """The inputs of the last layer with weights, None if they are not real numbers, and the outputs."""
    seen: list[Tensor] = []

    def note(_module: nn.Module, given: tuple[Any, ...]) -> None:
        if given and isinstance(given[0], Tensor) and given[0].is_floating_point():
            seen[:] = [given[0]]

    handles = [
        subject.network.get_submodule(name).register_forward_pre_hook(note)
        for name in list(weight_layers(subject.network, subject.layers))[-1:]
    ]
    try:
        outputs = subject.outputs()
    finally:
        for handle in handles:
            handle.remove()
    return (seen[0] if seen else None), outputs
