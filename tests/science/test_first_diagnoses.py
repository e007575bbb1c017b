"""Networks that are known to be ill or healthy, really trained, come out as what they are: over seeds,
no false alarm."""

import math
from typing import Any

import pytest
import torch

from service.contract.diagnosis import Diagnosis, Finding
from service.contract.job import JobRequest
from service.contract.planning import plan_network
from workers.data import load_dataset
from workers.diagnosis import diagnose
from workers.models import build_network, layer_infos
from workers.training import train_and_probe

SEEDS = range(2)
"""Enough to see a rule that works by luck; the long runs over more seeds are made by `make science`."""

ADDING = {"kind": "builtin", "name": "adding", "length": 100}
DIGITS = {"kind": "builtin", "name": "digits"}
CPU = torch.device("cpu")


def mlp(
    depth: int, function: str, init: str | dict[str, Any] = "torch_default", **block: Any
) -> list[dict[str, Any]]:
    """`depth` blocks of 64 units; `norm` goes between weights and activation, `residual` around them."""
    layers: list[dict[str, Any]] = [{"op": "linear", "units": 64, "init": init}]
    layers += [{"op": block["norm"]}] if "norm" in block else []
    layers += [{"op": "activation", "function": function}]
    stem: list[dict[str, Any]] = [{"op": "flatten"}]
    if block.get("residual"):
        layers = [{"op": "residual", "layers": layers}]
        stem.append({"op": "linear", "units": 64})
    return [*stem, {"op": "repeat", "times": depth, "layers": layers}, {"op": "linear", "units": "targets"}]


def recurrent(cell: str, **parameters: Any) -> list[dict[str, Any]]:
    return [
        {"op": "recurrent", "cell": cell, "units": 32, **parameters},
        {"op": "linear", "units": "targets"},
    ]


def run(layers: list[dict[str, Any]], seed: int, data: dict[str, Any] = DIGITS, **training: Any) -> Diagnosis:
    """Diagnose as a job would, in this process."""
    plan = {"steps": 150, "learning_rate": 0.05, "seed": seed} | training
    request = JobRequest.model_validate(
        {"model": {"kind": "spec", "layers": layers}, "data": data, "training": plan}
    )
    planned = plan_network(request.model, request.data.shape, request.training)
    trace = train_and_probe(
        build_network(planned, seed), layer_infos(planned), load_dataset(request.data, seed),
        request.training, request.probe, planned.loss, CPU, lambda step, loss: None,
    )  # fmt: skip
    diagnosis = diagnose(trace, service_version="test")
    assert Diagnosis.model_validate_json(diagnosis.model_dump_json()) == diagnosis
    return diagnosis


def alarms(diagnosis: Diagnosis) -> list[tuple[str, str, str | None]]:
    """The findings that are more than a note."""
    return [(f.condition, f.severity, f.axis) for f in diagnosis.findings if f.severity != "note"]


def measured(finding: Finding, measure: str) -> float:
    value = next(e.value for e in finding.evidence if e.measure == measure)
    assert value is not None
    return value


VANISHING_IN_DEPTH = [("vanishing_gradients", "critical", "depth")]

HEAD = math.log10(1 / 3)
"""log10 of the gain² of a head with PyTorch's default weights, U(-1/√n, 1/√n): n / (3 n)."""


def decades(chi: float, derivative: float) -> float:
    """Mean-field attenuation of 20 hidden layers: 19 times χ₁, the last E[φ'²], and the head.

    χ₁ = σ_w² E[φ'²] at the fixed point, the gain² of a layer (Schoenholz et al. 2017).
    """
    return (19 * math.log10(chi) + math.log10(derivative) + HEAD) / 2


LAYER_NORM_DECADES = (20 * math.log10(0.1525) + HEAD) / 2
"""E[φ'²] / E[φ²] for a sigmoid: its derivative's loss and what the normalisation gives back."""

ILL = [
    pytest.param(mlp(20, "sigmoid", "xavier_normal"), decades(0.0557, 0.0557), "activation", id="xavier"),
    pytest.param(mlp(20, "sigmoid"), decades(0.0200, 0.0600), "activation", id="sigmoid-default"),
    pytest.param(
        mlp(20, "sigmoid", "xavier_normal", norm="layer_norm"),
        LAYER_NORM_DECADES,
        "activation",
        id="layer-norm",
    ),
    pytest.param(mlp(20, "relu"), decades(1 / 6, 0.5), "weights", id="relu-default"),
    pytest.param(mlp(20, "tanh"), decades(1 / 3, 1.0), "weights", id="tanh-default"),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("layers", "expected", "cause"), ILL)
def test_a_deep_network_that_loses_its_gradient_is_told_so_and_why(
    layers: list[dict[str, Any]], expected: float, cause: str, seed: int
) -> None:
    diagnosis = run(layers, seed)

    assert alarms(diagnosis) == VANISHING_IN_DEPTH
    assert diagnosis.verdict == "unhealthy"
    assert diagnosis.ledger is not None
    assert diagnosis.ledger.log10_total == pytest.approx(expected, abs=0.8)
    assert sum(diagnosis.ledger.by_cause.values()) == pytest.approx(diagnosis.ledger.log10_total, abs=1e-9)
    assert min(diagnosis.ledger.by_cause, key=diagnosis.ledger.by_cause.__getitem__) == cause


HEALTHY = [
    pytest.param(mlp(5, "relu", "he_normal"), {}, id="relu-he-5"),
    pytest.param(mlp(20, "tanh", "xavier_normal"), {}, id="tanh-xavier-20"),
    pytest.param(mlp(20, "relu", "he_normal"), {}, id="relu-he-20"),
    pytest.param(mlp(20, "sigmoid", "xavier_normal", residual=True), {}, id="sigmoid-residual-20"),
    pytest.param(mlp(20, "sigmoid", "xavier_normal", norm="batch_norm"), {}, id="sigmoid-batch-norm-20"),
    pytest.param(mlp(20, "selu", "lecun_normal"), {"learning_rate": 0.01}, id="selu-lecun-20"),
    pytest.param(mlp(10, "gelu", "he_normal"), {}, id="gelu-he-10"),
    pytest.param(mlp(1, "sigmoid"), {}, id="shallow-sigmoid"),
]


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize(("layers", "training"), HEALTHY)
def test_a_healthy_network_raises_no_alarm(
    layers: list[dict[str, Any]], training: dict[str, Any], seed: int
) -> None:
    diagnosis = run(layers, seed, **training)

    assert alarms(diagnosis) == []
    assert diagnosis.verdict == "healthy"
    assert diagnosis.outcome.learned is True


@pytest.mark.parametrize("name", ["breast_cancer", "wine", "iris", "diabetes"])
def test_small_real_data_sets_raise_no_alarm(name: str) -> None:
    data = {"kind": "builtin", "name": name}
    diagnosis = run(mlp(3, "relu", "he_normal"), 0, data, learning_rate=0.02, batch_size=32)

    assert diagnosis.verdict == "healthy"


def test_a_converged_network_is_called_that() -> None:
    diagnosis = run(mlp(3, "tanh", "xavier_normal"), 0, steps=400, learning_rate=0.3)

    assert diagnosis.verdict == "healthy"
    assert "converged" in [finding.condition for finding in diagnosis.findings]
    assert alarms(diagnosis) == []


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("loss", ["cross_entropy", "mse"])
def test_a_network_that_diverges_is_one_finding_and_not_an_error(loss: str, seed: int) -> None:
    diagnosis = run(mlp(5, "relu", "he_normal"), seed, learning_rate=1000.0, loss=loss)

    assert diagnosis.verdict == "unhealthy"
    ((condition, severity, axis),) = alarms(diagnosis)
    assert condition in {"exploding_gradients", "learning_rate_too_large", "non_finite"}
    assert severity == "critical"
    assert axis is None, "the way back through the layers was sound"
    assert diagnosis.outcome.learned is False


def test_weights_that_are_too_large_explode_in_depth() -> None:
    layers = mlp(20, "relu", {"name": "he_normal", "gain": 3.0})
    finding = run(layers, 0, learning_rate=0.01).findings[0]

    assert (finding.condition, finding.axis, finding.severity) == ("exploding_gradients", "depth", "critical")
    assert finding.consequences


def test_a_learning_rate_that_is_far_too_small_is_not_called_vanishing() -> None:
    ((condition, _, _),) = alarms(run(mlp(5, "relu", "he_normal"), 0, learning_rate=1e-7))

    assert condition == "learning_rate_too_small"


def test_a_few_steps_are_too_few_to_tell() -> None:
    assert run(mlp(20, "tanh", "xavier_normal"), 0, steps=3).verdict == "inconclusive"


@pytest.mark.parametrize(
    ("layers", "verdict"),
    [(mlp(20, "sigmoid", "xavier_normal"), "unhealthy"), (mlp(20, "tanh", "xavier_normal"), "healthy")],
)
def test_a_first_look_without_training_tells_them_apart(layers: list[dict[str, Any]], verdict: str) -> None:
    diagnosis = run(layers, 0, steps=0)

    assert diagnosis.verdict == verdict
    assert diagnosis.outcome.learned is None
    assert diagnosis.runtime.steps == 0
    assert any("trained" in sentence for sentence in diagnosis.not_checked)


ADAM = {"optimizer": "adam", "learning_rate": 1e-3, "steps": 110}


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cell", ["rnn", "lstm"])
def test_a_recurrent_network_with_default_weights_forgets_in_time(cell: str, seed: int) -> None:
    diagnosis = run(recurrent(cell), seed, ADDING, **ADAM)

    assert alarms(diagnosis) == [("vanishing_gradients", "critical", "time")]
    assert measured(diagnosis.findings[0], "time_gain") < -10


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_chrono_initialisation_keeps_the_gradient_through_time(cell: str, seed: int) -> None:
    diagnosis = run(recurrent(cell, forget_bias="chrono"), seed, ADDING, **ADAM | {"steps": 20})

    assert "vanishing_gradients" not in [finding.condition for finding in diagnosis.findings]
