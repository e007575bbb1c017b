"""Mean-field theory's prediction, without building a network: how the gradient and the samples' differences
pass the layers of an infinitely wide network with the grid's inputs.

Two samples' signals at a layer are jointly Gaussian with variance q and correlation 1 - d. An expectation
over them is a Gauss-Hermite quadrature. Poole et al. (2016) and Schoenholz et al. (2017) for plain networks;
Yang & Schoenholz (2017) for residual ones (without the correlation of branch and shortcut, so too small for
x + relu(Wx)); Yang et al. (2019) for batch normalisation; for layer normalisation the variance is 1 at every
layer.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray
from sklearn.datasets import load_digits

Array = NDArray[np.float64]
WIDTH, SAMPLES = 64, 100
WEIGHT_VARIANCE = {"small": WIDTH * 0.01**2, "xavier": 1.0, "orthogonal": 1.0, "he": 2.0}
"""Width × variance of a weight."""
NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(40)
DENSITY: Array = WEIGHTS / WEIGHTS.sum()
DISTANCES: Array = np.logspace(-14, math.log10(2), 50)
"""1 - correlation, where the map of a layer is tabulated; below the first it is linear."""
SELU_SCALE, SELU_ALPHA, LEAK = 1.0507009873554805, 1.6732632423543772, 0.01


def _gelu(x: Array) -> Array:
    return x * _gauss(x)


def _gauss(x: Array) -> Array:
    found: Array = 0.5 * (1 + np.vectorize(math.erf, otypes=[float])(x / math.sqrt(2)))
    return found


def _sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


FUNCTIONS: dict[str, tuple[Callable[[Array], Array], Callable[[Array], Array]]] = {
    "sigmoid": (_sigmoid, lambda x: _sigmoid(x) * (1 - _sigmoid(x))),
    "tanh": (np.tanh, lambda x: 1 - np.tanh(x) ** 2),
    "relu": (lambda x: np.maximum(x, 0), lambda x: (x > 0).astype(float)),
    "leaky": (lambda x: np.where(x > 0, x, LEAK * x), lambda x: np.where(x > 0, 1.0, LEAK)),
    "gelu": (_gelu, lambda x: _gauss(x) + x * np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)),
    "selu": (
        lambda x: SELU_SCALE * np.where(x > 0, x, SELU_ALPHA * np.expm1(np.minimum(x, 0))),
        lambda x: SELU_SCALE * np.where(x > 0, 1.0, SELU_ALPHA * np.exp(np.minimum(x, 0))),
    ),
}  # fmt: skip
"""Each with its derivative."""


@dataclass(frozen=True)
class Foreseen:
    """What theory says of a network before it is built."""

    norm_range: float
    """Decades between the largest and the smallest gradient at a hidden layer."""
    rank_ratio: float
    """Participation ratio of the last hidden layer's outputs over that of the inputs."""
    distance_ratio: float
    """1 - correlation of two samples at the last hidden layer over that of the inputs, mean of all pairs."""


@dataclass(frozen=True)
class Moments:
    """Of an activation of a Gaussian signal of variance q."""

    square: float
    variance: float
    derivative: float
    """Mean square of the derivative."""
    distances: Array
    """½ E[(φ(z₁) - φ(z₂))²] for each of DISTANCES."""


@cache
def moments(activation: str, q: float) -> Moments:
    function, derivative = FUNCTIONS[activation]
    signal = math.sqrt(q)
    values, slopes = function(signal * NODES), derivative(signal * NODES)
    square, mean = float(DENSITY @ values**2), float(DENSITY @ values)
    together, apart = np.sqrt(1 - DISTANCES / 2), np.sqrt(DISTANCES / 2)
    u, v = (signal * axis for axis in np.meshgrid(NODES, NODES, indexing="ij"))
    halves = [
        0.5 * float(DENSITY @ (function(a * u + b * v) - function(a * u - b * v)) ** 2 @ DENSITY)
        for a, b in zip(together, apart, strict=True)
    ]
    return Moments(square, square - mean**2, float(DENSITY @ slopes**2), np.array(halves))


def foreseen(depth: int, activation: str, initialiser: str, architecture: str) -> Foreseen:
    """Of a network of the grid."""
    inputs = _inputs()
    weight, rank = WEIGHT_VARIANCE[initialiser], _rank(inputs)
    scale = float(np.diag(inputs).mean())
    halves = _halves(inputs) / scale
    first_distance = float(halves.mean())
    log_norm, log_norms, stream = 0.0, [0.0], scale
    for layer in range(depth):
        residual = architecture == "residual" and layer > 0
        normalised = architecture in {"batchnorm", "layernorm"}
        if architecture == "batchnorm":
            halves = _centred(halves)
        m = moments(activation, _rounded(1.0 if normalised else max(weight * stream, 1e-250)))
        if layer > 0:
            log_norm += 0.5 * math.log10(max(_gain(m, weight, architecture), 1e-300))
            log_norms.append(log_norm)
        new = _mapped(halves, m)
        halves = (halves * stream + new * m.square) / (stream + m.square) if residual else new
        stream = stream + m.square if residual else m.square
    return Foreseen(
        max(log_norms) - min(log_norms), _rank(-halves) / rank, float(halves.mean()) / first_distance
    )


def _gain(m: Moments, weight: float, architecture: str) -> float:
    """Square of the gradient's factor from one layer to the one below."""
    match architecture:
        case "batchnorm":
            return m.derivative / m.variance
        case "layernorm":
            return m.derivative / m.square
        case "residual":
            return 1 + weight * m.derivative
    return weight * m.derivative


def _mapped(halves: Array, m: Moments) -> Array:
    """1 - correlation after the activation, from that before it."""
    known = np.maximum(m.distances, 1e-290)
    logs = np.interp(np.log(np.maximum(halves, DISTANCES[0])), np.log(DISTANCES), np.log(known))
    found: Array = np.exp(logs) / max(m.square, 1e-290) * np.minimum(halves / DISTANCES[0], 1.0)
    return found


def _centred(halves: Array) -> Array:
    """1 - correlation after each unit's mean over the batch is taken off and its variance made 1."""
    covariance = _without_mean(-halves)
    distance = _halves(covariance) / max(float(np.diag(covariance).mean()), 1e-290)
    return np.minimum(distance, 2.0)


def _halves(covariance: Array) -> Array:
    """Half the mean square distance of two samples' signals."""
    own = np.diag(covariance)
    found: Array = np.maximum(0.5 * (own[:, None] + own[None, :]) - covariance, 0.0)
    return found


def _rank(covariance: Array) -> float:
    """Participation ratio of the signals' covariance, from the samples' Gram matrix."""
    centred = _without_mean(covariance)
    total = float(np.trace(centred))
    centred = centred / total if total > 0 else centred
    square = float((centred**2).sum())
    return 1 / square if square > 0 else 0.0


def _without_mean(gram: Array) -> Array:
    found: Array = gram - gram.mean(axis=0) - gram.mean(axis=1)[:, None] + gram.mean()
    return found


@cache
def _inputs() -> Array:
    """(samples, samples) mean products of the first digits, standardised."""
    inputs = load_digits().data[:SAMPLES]
    spread = inputs.std(axis=0)
    scaled = (inputs - inputs.mean(axis=0)) / np.where(spread < 1e-6, 1.0, spread)
    found: Array = scaled @ scaled.T / scaled.shape[1]
    return found


def _rounded(q: float) -> float:
    """To three digits, so that layers at the fixed point share their quadrature."""
    return float(f"{q:.3g}")
