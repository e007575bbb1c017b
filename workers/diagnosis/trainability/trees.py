"""Boosted trees in plain Python: evaluation and exact attribution. They are fitted elsewhere
(`tests/science/trainability_fit.py`); here is only what a prediction needs."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from workers.diagnosis.arithmetic import logistic


@dataclass(frozen=True, slots=True)
class Leaf:
    value: float
    """Log-odds that it adds."""


@dataclass(frozen=True, slots=True)
class Split:
    feature: int
    threshold: float
    low: "Leaf | Split"
    """For values up to the threshold."""
    high: "Leaf | Split"
    share_low: float
    """Share of the training rows that went to `low`."""
    value: float
    """Mean of the training rows below."""


Node = Leaf | Split


def parse(written: Any) -> Node:
    """A node from JSON: a number is a leaf; a split is [feature, threshold, share low, low, high]."""
    if not isinstance(written, list):
        return Leaf(float(written))
    feature, threshold, share, *children = written
    low, high = (parse(child) for child in children)
    return Split(int(feature), threshold, low, high, share, share * low.value + (1 - share) * high.value)


@dataclass(frozen=True)
class Prediction:
    probability: float
    base: float
    """Log-odds of the average training row."""
    contributions: Mapping[str, float]
    """Log-odds that each feature adds; with `base`, they sum to those of the probability."""


@dataclass(frozen=True)
class Ensemble:
    """A sum of trees, in log-odds of failure."""

    features: tuple[str, ...]
    base: float
    trees: tuple[Node, ...]

    @classmethod
    def of(cls, written: Mapping[str, Any]) -> "Ensemble":
        return cls(
            tuple(written["features"]), float(written["base"]), tuple(parse(t) for t in written["trees"])
        )

    def predict(self, values: Sequence[float]) -> Prediction:
        """From values in the order of `features`; NaN stands for an unknown one, whose splits are averaged
        over, both ways by their share of the training rows: so it contributes nothing of its own.

        A feature's contribution is what its splits change of the expected log-odds along the path (Saabas
        2014, "Interpreting random forests").
        """
        added = [0.0] * len(self.features)
        for tree in self.trees:
            _walk(tree, values, 1.0, added)
        base = self.base + math.fsum(tree.value for tree in self.trees)
        contributions = dict(zip(self.features, added, strict=True))
        return Prediction(logistic(base + math.fsum(added)), base, contributions)


def _walk(node: Node, values: Sequence[float], weight: float, added: list[float]) -> None:
    if isinstance(node, Leaf):
        return
    value = values[node.feature]
    if math.isnan(value):
        _walk(node.low, values, weight * node.share_low, added)
        _walk(node.high, values, weight * (1 - node.share_low), added)
        return
    child = node.low if value <= node.threshold else node.high
    added[node.feature] += weight * (child.value - node.value)
    _walk(child, values, weight, added)


@cache
def fitted() -> Mapping[str, Ensemble]:
    """The fitted ensembles by name; `features.ENSEMBLES` lists them."""
    written = json.loads(Path(__file__).with_name("model.json").read_text(encoding="utf-8"))
    return {name: Ensemble.of(ensemble) for name, ensemble in written["ensembles"].items()}
