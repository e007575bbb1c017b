"""The product's own measurements against the theory of gradient propagation: requests as clients send them,
networks as jobs build them, numbers from the trace.

Without `make science`, it is one network for one prediction of each kind and common activation, with the
tolerance that a single network allows; with it, all predictions, with as many networks as they were made for.
"""

import math
from collections.abc import Callable
from functools import cache
from typing import Any

import numpy as np
import pytest
import torch

from service.contract.job import JobRequest
from service.contract.planning import plan_network
from tests.science.oracles import experiments as e
from tests.science.oracles import recurrent as r
from tests.science.oracles.experiments import Experiment
from tests.science.oracles.records import Oracle, load
from workers.data import load_dataset
from workers.models import build_network, layer_infos
from workers.probes.trace import Trace
from workers.training import train_and_probe

EXPERIMENTS: dict[str, Callable[[Oracle], Experiment]] = {
    "O1.plain": e.plain,
    "O1.ortho": e.plain,
    "O1.uniform": e.plain,
    "O3.LN": e.normalised,
    "O3.BN": e.normalised,
    "O3.res": e.residual,
    "O3.res2": e.residual,
    "O3.preLN": e.residual,
    "O4.orth-lin": r.linear_recurrence,
    "O4.gauss-lin": r.linear_recurrence,
    "O4.tanhRNN": r.driven,
    "O4.lstm": r.forget_gates,
    "O4.rnn-def": r.default_cell,
    "O7.conv": e.convolutional,
    "O7.dropout": e.dropped_out,
    "O7.scalar": e.scalar_chain,
    "O8.digits": e.digits,
    "O8.rnn-rho": r.autonomous,
}
ORACLES = load()
MEANS = [oracle for oracle in ORACLES if oracle.id in EXPERIMENTS]
CHEAP = ("O4", "O7.scalar", "O8")
RARE = {"gelu", "selu", "leaky", "linear"}
_EACH_KIND = {(o.id, o.params.get("act")): o for o in MEANS if not o.id.startswith(CHEAP)}
FAST = [
    *(oracle for (_, activation), oracle in _EACH_KIND.items() if activation not in RARE),
    *(oracle for oracle in MEANS if oracle.id.startswith(CHEAP)),
]
VARIANCES = [oracle for oracle in ORACLES if oracle.id == "O1.var"]


def probed(experiment: Experiment, seed: int) -> Trace:
    """The trace of a job without training."""
    request = JobRequest.model_validate(
        {
            "model": {"kind": "spec", "layers": experiment.layers},
            "data": experiment.data,
            "training": {"steps": 0, "batch_size": experiment.batch_size, "seed": seed},
        }
    )
    plan = plan_network(request.model, request.data.shape, request.training)
    return train_and_probe(
        build_network(plan, seed), layer_infos(plan), load_dataset(request.data, seed),
        request.training, request.probe, plan.loss, torch.device("cpu"), lambda *_: None,
    )  # fmt: skip


def mean_over(oracle: Oracle, seeds: int) -> float:
    experiment = EXPERIMENTS[oracle.id](oracle)
    return float(np.mean([experiment.measure(probed(experiment, seed)) for seed in range(seeds)]))


@cache
def first_network(index: int) -> tuple[Experiment, Trace]:
    """The experiment for one of MEANS, and the trace of its first network; several tests look at it."""
    experiment = EXPERIMENTS[MEANS[index].id](MEANS[index])
    return experiment, probed(experiment, 0)


def test_every_prediction_is_put_to_the_product() -> None:
    assert {oracle.id for oracle in ORACLES} == EXPERIMENTS.keys() | {"O1.var"}
    assert len(ORACLES) == 82


@pytest.mark.parametrize("oracle", FAST, ids=str)
def test_the_gain_is_what_theory_predicts(oracle: Oracle) -> None:
    experiment, trace = first_network(MEANS.index(oracle))

    assert experiment.measure(trace) == pytest.approx(oracle.predicted, abs=oracle.tolerance_of(1), rel=0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("oracle", MEANS, ids=str)
def test_the_mean_gain_is_what_theory_predicts(oracle: Oracle) -> None:
    found, tolerance = mean_over(oracle, oracle.seeds), oracle.tolerance_of(oracle.seeds)
    print(f"{oracle}: predicted {oracle.predicted:.5g}, found {found:.5g}, tolerance {tolerance:.2g}")

    assert found == pytest.approx(oracle.predicted, abs=tolerance, rel=0)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("oracle", VARIANCES, ids=str)
def test_the_gain_varies_over_networks_as_theory_predicts(oracle: Oracle) -> None:
    experiment = e.fluctuation(oracle)
    gains = [experiment.measure(probed(experiment, seed)) for seed in range(oracle.seeds)]
    found = float(np.var(gains, ddof=1))
    print(f"{oracle}: predicted {oracle.predicted:.5g}, found {found:.5g}, tolerance {oracle.tolerance:.2g}")

    assert found == pytest.approx(oracle.predicted, abs=oracle.tolerance, rel=0)


def marked(oracles: list[Oracle]) -> list[Any]:
    """Those that are not fast, as slow."""
    return [pytest.param(o, id=str(o), marks=() if o in FAST else pytest.mark.slow) for o in oracles]


STATIONARY = [o for o in MEANS if o.id == "O1.plain" and o.params["qstar"] > 0.01]


@pytest.mark.parametrize("oracle", marked(STATIONARY))
def test_the_ledger_splits_the_gain_as_theory_does(oracle: Oracle) -> None:
    """χ₁ = σ_w² E[φ'²]: the weights bring the one factor and the activations the other."""
    experiment, trace = first_network(MEANS.index(oracle))
    split = per_layer(trace, "0", f"1.{oracle.params['L'] - 2}.1", oracle.params["L"] - 1)
    weights = oracle.params["sw2"]
    # the logarithm is of norms here and of their squares there
    tolerance = 0.5 * oracle.tolerance_of(1)
    assert split["weights"] == pytest.approx(0.5 * math.log(weights), abs=tolerance)
    assert split["activation"] == pytest.approx(
        0.5 * math.log(oracle.params["chi1"] / weights), abs=tolerance
    )
    assert sum(split.values()) == pytest.approx(0.5 * experiment.measure(trace), abs=1e-6)
    assert {cause for cause, part in split.items() if abs(part) > 1e-9} <= {"weights", "activation"}


NORMALISED = [o for o in MEANS if o.id in {"O3.LN", "O3.BN"} and o.params["act"] in {"sigmoid", "relu"}]


@pytest.mark.parametrize("oracle", marked(NORMALISED))
def test_the_ledger_tells_normalisation_from_what_it_makes_up_for(oracle: Oracle) -> None:
    """Normalised preactivations have variance 1, so the activations take E[φ'(z)²] of the squared norm, and
    weights and normalisation give back the rest of the known gain."""
    _, trace = first_network(MEANS.index(oracle))
    depth = oracle.params["L"]
    split = per_layer(trace, "0.1.2", f"0.{depth - 1}.2", depth - 2)
    slope = mean_squared_slope(oracle.params["act"])
    tolerance = 0.5 * oracle.tolerance_of(1)
    assert split["activation"] == pytest.approx(0.5 * math.log(slope), abs=tolerance)
    assert split["weights"] + split["normalisation"] == pytest.approx(
        0.5 * (oracle.predicted - math.log(slope)), abs=2 * tolerance
    )
    assert split["normalisation"] > 0.1


def per_layer(trace: Trace, first: str, last: str, layers: int) -> dict[str, float]:
    """Natural logarithms that each cause adds from the output of one layer back to another's."""
    assert trace.ledger is not None
    outputs = trace.ledger.outputs[0]
    added = outputs[trace.layer_index(first)] - outputs[trace.layer_index(last)]
    return dict(zip(trace.ledger.causes, (added * math.log(10.0) / layers).tolist(), strict=True))


def mean_squared_slope(function: str) -> float:
    """E[φ'(z)²] for z from N(0, 1), by the trapezoidal rule."""
    z = np.linspace(-10.0, 10.0, 4001)
    sigmoid = 1.0 / (1.0 + np.exp(-z))
    slopes = {"sigmoid": sigmoid * (1.0 - sigmoid), "relu": np.heaviside(z, 0.5)}
    density = np.exp(-0.5 * z**2) / math.sqrt(2.0 * math.pi)
    return float(np.trapezoid(slopes[function] ** 2 * density, z))
