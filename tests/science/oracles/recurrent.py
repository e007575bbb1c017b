"""The predictions about gradients through time."""

import math
from collections.abc import Callable
from typing import Any

from tests.science.oracles.experiments import HEAD, Experiment, Written, noise, normal
from tests.science.oracles.records import Oracle
from workers.probes.trace import Trace


def through_time(start: int, end: int, per: float = 1.0) -> Callable[[Trace], float]:
    """log ‖δ_start‖ / ‖δ_end‖ of the hidden states, time steps counted from 1."""

    def measured(trace: Trace) -> float:
        norms = trace.through_time["0"].norms[0]
        return (math.log(norms[start - 1]) - math.log(norms[end - 1])) / per

    return measured


def cell(units: int, recurrent: Written, **more: Any) -> Written:
    return {"op": "recurrent", "units": units, "recurrent_init": recurrent, "bias": False, **more}


FAINT = {"name": "normal", "std": 1e-18}
"""Inputs so faint that tanh is the identity."""


def linear_recurrence(oracle: Oracle) -> Experiment:
    p = oracle.params
    steps, units = p["T"], p.get("n", 64)
    if oracle.id == "O4.orth-lin":
        return Experiment(
            [cell(units, {"name": "orthogonal", "gain": p["g"]}, init=FAINT), HEAD],
            through_time(1, steps + 1),
            noise(steps + 1, 4),
        )
    return Experiment(
        [cell(units, normal(math.sqrt(p["sw2"])), init=FAINT), HEAD],
        through_time(1, steps + 1, steps),
        noise(steps + 1, 4),
    )


BURN_IN = 10
"""Time steps until the hidden state, which starts at zero, has its stationary variance."""


def driven(oracle: Oracle) -> Experiment:
    """tanh cells that are kept going by fresh noise of variance su2."""
    p = oracle.params
    end = p["T"] + BURN_IN
    log_gain = through_time(BURN_IN, end, p["T"])
    layer = cell(p["n"], normal(math.sqrt(p["sw2"])), init=normal(math.sqrt(p["su2"])))
    return Experiment([layer, HEAD], lambda trace: 2.0 * log_gain(trace), noise(end, 64))


def default_cell(oracle: Oracle) -> Experiment:
    layer = cell(128, {"name": "torch_default"}, bias=True)
    steps = oracle.params["T"]
    return Experiment([layer, HEAD], through_time(1, steps + 1, steps), noise(steps + 1, 8))


def forget_gates(oracle: Oracle) -> Experiment:
    """An LSTM whose gates depend on nothing but their bias: what reaches h_t then comes by way of the cell
    state alone, ∂c_T/∂c_t = σ(b_f)^(T - t). Half the steps keep its numbers within float32."""
    p = oracle.params
    steps = p["T"] // 2
    layer = cell(
        16, {"name": "normal", "std": 1e-9}, cell="lstm", init="zeros", bias=True, bias_init="zeros",
        forget_bias=p["b_f"] if p["b_f"] != 4.595 else math.log(99.0),
    )  # fmt: skip
    log_gain = through_time(1, steps + 1)
    return Experiment([layer, HEAD], lambda trace: log_gain(trace) * p["T"] / steps, noise(steps + 2, 4))


def autonomous(oracle: Oracle) -> Experiment:
    """Without input the state settles, and each step back multiplies by the same matrix."""
    units = oracle.params["H"]
    bound = 1.0 / math.sqrt(units)
    layer = cell(
        units, {"name": "torch_default"}, init="zeros", bias=True,
        bias_init={"name": "uniform", "low": -bound, "high": bound},
    )  # fmt: skip
    return Experiment([layer, HEAD], through_time(30, 50, 20), noise(150, 1))
