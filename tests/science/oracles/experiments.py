"""For each prediction, the request that puts it to the product, and how to read the answer from the trace."""

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from tests.science.oracles.records import Oracle
from workers.probes.trace import Trace

Written = dict[str, Any]


@dataclass(frozen=True)
class Experiment:
    """A request, but for the seed."""

    layers: list[Written]
    measure: Callable[[Trace], float]
    """The quantity in question."""
    data: Written = field(default_factory=dict)
    batch_size: int = 1


def log_norm(trace: Trace, layer: str) -> float:
    """Natural logarithm of the norm of the gradient at a layer's output at initialisation."""
    norm: float = trace.series["backpropagated.norm"].values[0, trace.layer_index(layer)]
    return math.log(norm)


def gain(first: str, last: str, layers: int = 1) -> Callable[[Trace], float]:
    """log ‖δ_first‖² / ‖δ_last‖², per layer."""
    return lambda trace: 2.0 * (log_norm(trace, first) - log_norm(trace, last)) / layers


def normal(gain: float) -> Written:
    """N(0, gain² / fan_in)."""
    return {"name": "he_normal", "gain": gain}


def linear(units: int | str, init: Written, **more: Any) -> Written:
    return {"op": "linear", "units": units, "init": init, "bias": False, **more}


HEAD = linear("targets", normal(0.1))
"""Small logits: the error is then the same for all inputs of a class, and its way back a random direction."""
FAINT_HEAD = linear("targets", normal(1e-9))
"""The same where the forward signal grows by many decades, which would saturate the softmax."""

FUNCTIONS = {"leaky": "leaky_relu", "linear": "identity"}


def activation(name: str) -> Written:
    return {"op": "activation", "function": FUNCTIONS.get(name, name)}


def noise(*shape: int, samples: int = 20, classes: int = 10) -> Written:
    """Samples from N(0, 1): the noise drowns the classes' prototypes."""
    return {
        "kind": "synthetic", "input_shape": list(shape), "samples": samples, "classes": classes, "noise": 1e3,
    }  # fmt: skip


def stack(depth: int, *layers: Written) -> Written:
    return {"op": "repeat", "times": depth, "layers": list(layers)}


def plain(oracle: Oracle) -> Experiment:
    """From the last preactivation back to the first; the first has the variance q0 of the prediction."""
    p = oracle.params
    depth, bias = p["L"], p.get("sb2", 0)
    if oracle.id == "O1.ortho":
        weights: Written = {"name": "orthogonal", "gain": math.sqrt(p["gain2"])}
    elif oracle.id == "O1.uniform":
        bound = math.sqrt(3.0 * p["sw2"] / p["n"])
        weights = {"name": "uniform", "low": -bound, "high": bound}
    else:
        weights = normal(math.sqrt(p["sw2"]))
    more = {"bias": True, "bias_init": {"name": "normal", "std": math.sqrt(bias)}} if bias else {}
    first = linear(p["n"], normal(math.sqrt(_first_variance(oracle) - bias)), **more)
    hidden = stack(depth - 1, activation(p["act"]), linear(p["n"], weights, **more))
    last = f"1.{depth - 2}.1"
    return Experiment([first, hidden, activation(p["act"]), HEAD], gain("0", last, depth - 1), noise(p["n"]))


def _first_variance(oracle: Oracle) -> float:
    """Of the preactivations: its fixed point, but where that is 0."""
    if oracle.id == "O1.ortho":
        return 5.8554 if oracle.params["act"] == "sigmoid" else 1.0
    if oracle.id == "O1.var":
        return 0.05 if oracle.params["act"] == "tanh" else 1.0
    fixed: float = oracle.params.get("qstar", 1.0)
    return fixed if fixed > 1e-6 else 1.0


def fluctuation(oracle: Oracle) -> Experiment:
    """The total gain, whose variance over networks is in question."""
    experiment = plain(oracle)
    return Experiment(experiment.layers, gain("0", f"1.{oracle.params['L'] - 2}.1"), experiment.data)


def normalised(oracle: Oracle) -> Experiment:
    """Without the first two layers, whose inputs are not yet as the others'."""
    p = oracle.params
    batch = p.get("B", 8)
    norm = "layer_norm" if oracle.id == "O3.LN" else "batch_norm"
    block = stack(p["L"], linear(p["n"], normal(1.0)), {"op": norm, "affine": False}, activation(p["act"]))
    return Experiment(
        [block, HEAD],
        gain("0.1.2", f"0.{p['L'] - 1}.2", p["L"] - 2),
        noise(p["n"], samples=max(20, 2 * batch)),
        batch,
    )


def residual(oracle: Oracle) -> Experiment:
    """From the last block's output back to the first one's input."""
    p = oracle.params
    scale = 1.0 / math.sqrt(p["L"]) if p.get("alpha") == "1/sqrtL" else p.get("alpha", 1.0)
    width = 256 if oracle.id == "O3.preLN" and p["L"] >= 50 else 512
    spread = normal(math.sqrt(p["sw2"]))
    branch = {
        "O3.res": [linear(width, spread), activation(p["act"])],
        "O3.res2": [linear(width, spread), activation(p["act"]), linear(width, normal(1.0))],
        "O3.preLN": [
            {"op": "layer_norm", "affine": False},
            linear(width, spread),
            activation(p["act"]),
            linear(width, spread),
        ],
    }[oracle.id]
    blocks = stack(p["L"], {"op": "residual", "layers": branch, "scale": scale})
    return Experiment(
        [linear(width, normal(1.0)), blocks, FAINT_HEAD],
        gain("0", f"1.{p['L'] - 1}.0"),
        noise(width),
        batch_size=4 if oracle.id == "O3.res2" else 1,
    )


def convolutional(oracle: Oracle) -> Experiment:
    p = oracle.params
    convolution = {"op": "conv2d", "channels": p["C"], "init": "he_normal", "bias": False}
    block = [convolution, activation("relu")]
    return Experiment(
        [stack(p["L"] + 1, *block), {"op": "flatten"}, HEAD],
        gain("0.0.1", f"0.{p['L']}.1", p["L"]),
        noise(3, p["H"], p["H"]),
    )


def dropped_out(oracle: Oracle) -> Experiment:
    p = oracle.params
    block = [
        linear(p["n"], {"name": "he_normal"}),
        activation("relu"),
        {"op": "dropout", "probability": p["p"]},
    ]
    return Experiment(
        [stack(p["L"] + 1, *block), FAINT_HEAD], gain("0.0.2", f"0.{p['L']}.2", p["L"]), noise(p["n"])
    )


def scalar_chain(oracle: Oracle) -> Experiment:
    """One number, 0.3, through L sigmoids."""
    p = oracle.params
    start = linear(1, {"name": "zeros"}, bias=True, bias_init={"name": "constant", "value": 0.3})
    chain = stack(p["L"], linear(1, {"name": "constant", "value": p["w"]}), activation("sigmoid"))
    log_gain = gain("0", f"1.{p['L'] - 1}.1")
    return Experiment(
        [start, chain, linear("targets", normal(1.0))], lambda trace: 0.5 * log_gain(trace), noise(1)
    )


DIGITS_INITS = {"torch default": "torch_default", "xavier": "lecun_normal", "he": "he_normal"}


def digits(oracle: Oracle) -> Experiment:
    """Real data and a real loss. log10 of the norms, first preactivation over last."""
    p = oracle.params
    norms: dict[str, list[Written]] = {
        "plain": [],
        "layernorm": [{"op": "layer_norm", "affine": False}],
        "batchnorm": [{"op": "batch_norm", "affine": False}],
    }
    hidden = linear(p["n"], {"name": DIGITS_INITS[p["init"]]})
    head = linear("targets", {"name": "xavier_normal"})
    log_gain = gain("1.0.0", f"1.{p['L'] - 1}.0")
    return Experiment(
        [{"op": "flatten"}, stack(p["L"], hidden, *norms[p["arch"]], activation(p["act"])), head],
        lambda trace: log_gain(trace) / 2.0 / math.log(10.0),
        {"kind": "builtin", "name": "digits"},
        256,
    )
