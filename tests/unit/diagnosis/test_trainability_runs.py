"""Networks that are really trained get the probability that their fate deserves, already from the start."""

import math
from dataclasses import replace
from typing import Any

import pytest
import torch

from service.contract.diagnosis import Trainability
from service.contract.job import JobRequest
from service.contract.planning import plan_network
from tests.support.torch_threads import one_thread
from workers.data import load_dataset
from workers.diagnosis import diagnose
from workers.diagnosis.trainability.measure import measured_features
from workers.models import build_network, layer_infos
from workers.probes.trace import Trace
from workers.training import train_and_probe

__all__ = ["one_thread"]

ARTICLE = {"depth": 20, "activation": "sigmoid", "init": "xavier_normal"}
RESIDUAL = {"depth": 10, "activation": "tanh", "init": "xavier_normal", "residual": True}


def run(network: dict[str, Any], **training: Any) -> Trace:
    """A trace as a job makes it, of a multilayer perceptron on digits."""
    model = {"kind": "template", "template": "mlp"} | network
    plan = {"steps": 32, "learning_rate": 0.05, "batch_size": 32} | training
    data = {"kind": "builtin", "name": "digits"}
    request = JobRequest.model_validate({"model": model, "data": data, "training": plan})
    planned = plan_network(request.model, request.data.shape, request.training)
    return train_and_probe(
        build_network(planned, 0), layer_infos(planned), load_dataset(request.data, 0), request.training,
        request.probe, planned.loss, torch.device("cpu"), lambda _step, _loss: None,
    )  # fmt: skip


def foretold(network: dict[str, Any], **training: Any) -> Trainability:
    trainability = diagnose(run(network, **training), service_version="test").trainability
    assert trainability is not None
    return trainability


@pytest.mark.parametrize("steps", [0, 32])
def test_the_articles_network_is_foretold_to_fail(steps: int) -> None:
    answer = foretold(ARTICLE, steps=steps)

    assert answer.steps_seen == (30 if steps else 0)
    assert (answer.probability or 0) > 0.95
    assert (answer.at_best_learning_rate or 0) > 0.95
    assert answer.not_known == []


@pytest.mark.parametrize("steps", [0, 32])
def test_a_healthy_residual_network_is_not(steps: int) -> None:
    answer = foretold(RESIDUAL, steps=steps)

    assert (answer.probability or 1) < 0.1
    assert (answer.at_best_learning_rate or 1) < 0.1


def test_a_learning_rate_far_too_small_is_no_fault_of_the_network() -> None:
    answer = foretold({"depth": 5, "activation": "relu", "init": "he_normal"}, learning_rate=1e-6)

    assert (answer.probability or 0) > 0.8
    assert (answer.at_best_learning_rate or 1) < 0.1


def test_momentum_is_seen_in_the_steps() -> None:
    plain, heavy = (
        measured_features(run({"init": "he_normal"}, learning_rate=0.01, steps=12, momentum=momentum))
        for momentum in (0.0, 0.9)
    )

    assert heavy["typical_update"] == pytest.approx(plain["typical_update"] + 1.0, abs=1e-3)


def test_a_momentum_that_the_trace_tells_is_not_guessed() -> None:
    """Nine tenths are what the steps show as; half that reach is what the trace says."""
    trace = run({"init": "he_normal"}, learning_rate=0.01, steps=12, momentum=0.5)
    untold = replace(trace, run=replace(trace.run, momentum=None))
    none = replace(trace, run=replace(trace.run, momentum=0.0))

    told, without = (measured_features(t)["typical_update"] for t in (trace, none))
    assert told - without == pytest.approx(math.log10(2), abs=1e-6)
    assert measured_features(untold)["typical_update"] != pytest.approx(told)
