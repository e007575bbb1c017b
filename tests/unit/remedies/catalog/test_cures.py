"""End to end: what cures 20 sigmoid layers, and what only seems to (theory.md §3; chance is 0.10)."""

import pytest
import torch

from service.contract.job import JobRequest
from tests.unit.remedies.catalog.requests import FLATTEN, HEAD, SIGMOID, Written, job, repeat
from workers.preparation import prepare
from workers.remedies.catalog import candidates
from workers.training.bare import BareRun, train_bare

DIGITS: Written = {"kind": "builtin", "name": "digits"}
ILL = job(
    FLATTEN,
    repeat(20, {"op": "linear", "units": 64}, SIGMOID),
    HEAD,
    data=DIGITS,
    steps=390,
    batch_size=64,
    learning_rate=0.01,
    momentum=0.9,
)


def trained(request: JobRequest, **training: object) -> BareRun:
    plan = request.training.model_copy(update=training)
    subject = prepare(request.model_copy(update={"training": plan}))
    cpu = torch.device("cpu")
    return train_bare(
        subject.network, subject.layers, subject.dataset, plan, subject.loss, cpu, lambda *_: None
    )


def cured(remedy: str, variant: str | None, **training: object) -> float:
    """Held-out accuracy with the remedy."""
    found = {candidate.variant: candidate.request for candidate in candidates(remedy, ILL)}
    return trained(found[variant], **training).metric


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
def test_the_network_as_it_is_does_not_learn(seed: int) -> None:
    assert trained(ILL, seed=seed).metric < 0.15


@pytest.mark.slow
@pytest.mark.parametrize("seed", [0, 1])
@pytest.mark.parametrize(
    ("remedy", "variant", "least"),
    [
        ("initialization", "lsuv", 0.92),
        ("layerwise_pretraining", "supervised", 0.90),
        ("activation", "tanh", 0.90),
        ("batch_norm", None, 0.88),
        ("residual", "rezero", 0.92),
        ("residual", "plain", 0.90),
    ],
)
def test_what_cures_it_cures_it(remedy: str, variant: str | None, least: float, seed: int) -> None:
    rates = (0.01, 0.1)
    assert max(cured(remedy, variant, seed=seed, learning_rate=rate) for rate in rates) > least


@pytest.mark.slow
@pytest.mark.parametrize("variant", ["xavier", "he", "orthogonal"])
def test_random_first_weights_alone_do_not(variant: str) -> None:
    assert max(cured("initialization", variant, learning_rate=rate) for rate in (0.01, 0.1)) < 0.15


@pytest.mark.slow
def test_pretraining_without_a_target_does_not() -> None:
    assert cured("layerwise_pretraining", "reconstruction") < 0.15


@pytest.mark.slow
def test_layer_normalisation_does_not() -> None:
    assert max(cured("layer_norm", None, learning_rate=rate) for rate in (0.01, 0.1)) < 0.15
