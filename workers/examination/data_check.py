"""What the data say without the network: is there anything to learn, and is it in a form to learn from?"""

import math
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray

from workers.examination.neighbours import Votes, nearest_by_distance, nearest_by_matches
from workers.probes.trace import DataCheck, FloatArray
from workers.training.data import TrainingData

SAMPLES = 1000
"""Most training samples that are looked at."""

MAX_FEATURES = 4096
MAX_TOKENS = 128
"""Of more features or positions, evenly spaced ones are taken."""

PERMUTATIONS = 100
QUANTILE = 0.95


def data_check(dataset: TrainingData, seed: int, *, neighbours: bool = True) -> DataCheck:
    """See DataCheck. Real inputs are standardised before their distances are taken; of token sequences the
    positions that agree are counted. Without `neighbours`, which take most of the time, their scores are
    left out."""
    chosen = np.random.default_rng(seed).permutation(len(dataset.train_inputs))[:SAMPLES]
    rows = torch.from_numpy(chosen)
    inputs = dataset.train_inputs[rows].flatten(1).numpy()
    targets = dataset.train_targets[rows].flatten(1) if dataset.train_targets.dim() > 1 else None
    labels = dataset.train_targets[rows].numpy() if targets is None else targets.numpy()
    tokens = inputs.dtype.kind != "f"
    score, shuffled = math.nan, math.nan
    if neighbours:
        score, shuffled = _neighbour_scores(inputs, labels, dataset.classes, seed)
    scales = _Scales.of(inputs) if not tokens else _Scales()
    largest, smallest = _class_shares(dataset)
    return DataCheck(
        samples=len(inputs),
        constant_features=_constant(inputs),
        feature_scale_ratio=scales.ratio,
        input_mean_ratio=scales.mean,
        neighbour_score=score,
        neighbour_score_shuffled=shuffled,
        largest_class_share=largest,
        smallest_class_share=smallest,
        duplicate_share=1.0 - len(np.unique(inputs, axis=0)) / len(inputs),
        input_scale=scales.size,
    )


def _neighbour_scores(
    inputs: NDArray[np.generic], labels: NDArray[np.generic], classes: int | None, seed: int
) -> tuple[float, float]:
    """The score, and its quantile over permutations of the targets. Neighbours stay the same when targets are
    permuted, so a permutation costs next to nothing."""
    if len(inputs) < 10:
        return math.nan, math.nan
    if inputs.dtype.kind == "f":
        thinned = inputs[:, :: -(-inputs.shape[1] // MAX_FEATURES)]
        if not np.isfinite(thinned).all():
            return math.nan, math.nan
        nearest = nearest_by_distance(_standardized(thinned))
    else:
        nearest = nearest_by_matches(inputs[:, :: -(-inputs.shape[1] // MAX_TOKENS)])
    votes = Votes(nearest, classes)
    random = np.random.default_rng(seed)
    permuted = [votes.score(random.permutation(labels)) for _ in range(PERMUTATIONS)]
    return votes.score(labels), float(np.quantile(permuted, QUANTILE))


def _standardized(inputs: NDArray[np.generic]) -> FloatArray:
    values = inputs.astype(np.float64)
    spread = values.std(axis=0)
    scaled: FloatArray = (values - values.mean(axis=0)) / np.where(_varies(values), spread, 1.0)
    return scaled


def _varies(values: NDArray[np.generic]) -> NDArray[np.bool_]:
    """(features,) whether each takes more than one value. By extremes: a spread may be rounding."""
    varies: NDArray[np.bool_] = values.max(axis=0) != values.min(axis=0)
    return varies


def _constant(inputs: NDArray[np.generic]) -> float:
    return 1.0 - float(_varies(inputs).mean())


class _Scales(NamedTuple):
    """How large the inputs are; see DataCheck."""

    ratio: float = math.nan
    mean: float = math.nan
    size: float = math.nan

    @classmethod
    def of(cls, inputs: NDArray[np.generic]) -> "_Scales":
        values = inputs.astype(np.float64)
        spreads = values.std(axis=0)[_varies(values)]
        sound = spreads.size and spreads.min() > 0
        spread, size = float(values.std()), math.sqrt(float((values**2).mean()))
        return cls(
            ratio=math.log10(spreads.max() / np.median(spreads)) if sound else math.nan,
            mean=abs(float(values.mean())) / spread if spread > 0 else math.nan,
            size=math.log10(size) if 0 < size < math.inf else math.nan,
        )


def _class_shares(dataset: TrainingData) -> tuple[float, float]:
    """Of the largest and the smallest class, over all training samples."""
    if dataset.task != "classification" or dataset.classes is None:
        return math.nan, math.nan
    counts = np.bincount(dataset.train_targets.flatten().long().numpy(), minlength=dataset.classes)
    return float(counts.max() / counts.sum()), float(counts.min() / counts.sum())
