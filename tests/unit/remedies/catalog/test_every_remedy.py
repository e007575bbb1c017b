"""One table applies every remedy to networks that it is for, and trains what comes of it."""

import json
from typing import get_args

import pytest
import torch

from service.contract.conditions.remedies import REMEDIES as DESCRIBED
from service.contract.conditions.remedies import TRIED_AS
from service.contract.job import JobRequest
from service.contract.planning import plan_ahead
from service.contract.remedies import RemedyName
from tests.unit.remedies.catalog.requests import (
    FLATTEN,
    HEAD,
    LINEAR,
    deep,
    images,
    job,
    recurrent,
    sequences,
    template,
)
from workers.preparation import prepare
from workers.remedies.catalog import REMEDIES, Candidate, NotApplicable, candidates, invasiveness
from workers.remedies.selection_rules import RULES
from workers.training.bare import train_bare

DIGITS = {"kind": "builtin", "name": "digits"}
UNSCALED = {**DIGITS, "standardize": False}
HALF = {"precision": "float16", "loss_scaling": False}

ILL: dict[str, list[JobRequest]] = {
    "activation": [deep(), images()],
    "batch_norm": [deep(), images(), sequences()],
    "bfloat16": [deep(**HALF)],
    "gradient_clipping": [deep()],
    "gru": [recurrent(), recurrent(cell="lstm")],
    "highway": [deep(), images(), sequences()],
    "initialization": [deep(), images()],
    "input_scaling": [job(FLATTEN, LINEAR, HEAD, data=UNSCALED)],
    "layer_norm": [deep(), images(), sequences()],
    "layerwise_pretraining": [deep(), images(), recurrent()],
    "learning_rate": [deep()],
    "loss_scaling": [deep(**HALF)],
    "lstm": [recurrent(), recurrent(cell="gru"), recurrent(cell="lstm")],
    "orthogonal_recurrence": [recurrent(), recurrent(bias=False)],
    "relu": [deep(), sequences()],
    "residual": [deep(), images(), sequences()],
    "shorter_backpropagation": [recurrent()],
    "unfreeze": [job({**LINEAR, "trainable": False}, HEAD)],
}
"""Networks that each remedy is for."""


def applied() -> list[Candidate]:
    return [c for name, requests in ILL.items() for request in requests for c in candidates(name, request)]


def title(candidate: Candidate) -> str:
    return f"{candidate.remedy}-{candidate.variant}-{len(candidate.request.model_dump_json())}"


def test_the_catalog_has_every_remedy_that_can_be_asked_for_and_describes_it() -> None:
    assert set(REMEDIES) == set(get_args(RemedyName)) == set(ILL)
    assert set(REMEDIES) <= set(DESCRIBED)
    assert set(TRIED_AS) <= set(DESCRIBED)


def test_a_remedy_says_which_findings_it_is_for_and_the_selection_agrees() -> None:
    conditions = {condition for remedy in REMEDIES.values() for condition in remedy.conditions}
    assert conditions == set(RULES)


@pytest.mark.parametrize("candidate", applied(), ids=title)
def test_a_changed_request_can_be_posted_as_it_is(candidate: Candidate) -> None:
    written = candidate.request.model_dump_json()
    assert JobRequest.model_validate_json(written) == candidate.request
    assert JobRequest.model_validate(json.loads(written)) == candidate.request
    assert plan_ahead(candidate.request) is not None


@pytest.mark.filterwarnings("ignore:User provided device_type of")
@pytest.mark.parametrize("candidate", applied(), ids=title)
def test_what_it_makes_can_be_trained_and_gives_outputs_of_the_same_shape(candidate: Candidate) -> None:
    training = candidate.request.training
    if training.pretraining is not None:
        short = training.pretraining.model_copy(update={"steps_per_level": 2})
        training = training.model_copy(update={"pretraining": short})
    subject = prepare(candidate.request.model_copy(update={"training": training}))
    before = {name: value.clone() for name, value in subject.network.state_dict().items()}
    cpu = torch.device("cpu")
    run = train_bare(
        subject.network, subject.layers, subject.dataset, training, subject.loss, cpu, lambda *_: None
    )
    assert run.loss < 1e3
    assert any(not torch.equal(value, before[name]) for name, value in subject.network.state_dict().items())
    assert subject.network(subject.dataset.train_inputs[:4]).shape == (4, subject.dataset.classes)


@pytest.mark.parametrize("candidate", applied(), ids=title)
def test_nothing_else_is_changed(candidate: Candidate) -> None:
    parts = CHANGED[candidate.remedy, candidate.variant == "lsuv"]
    for request in ILL[candidate.remedy]:
        found = [c for c in candidates(candidate.remedy, request) if c == candidate]
        if not found:
            continue
        for part in JobRequest.model_fields:
            if part not in parts:
                assert getattr(candidate.request, part) == getattr(request, part), part
        if "training" in parts:
            now, then = candidate.request.training.model_dump(), request.training.model_dump()
            assert {name for name in now if now[name] != then[name]} == parts["training"]


SETTINGS = {
    "bfloat16": "precision",
    "gradient_clipping": "clip_grad_norm",
    "layerwise_pretraining": "pretraining",
    "loss_scaling": "loss_scaling",
    "shorter_backpropagation": "truncate_time",
}
CHANGED: dict[tuple[str, bool], dict[str, set[str]]] = {
    **{(name, False): {"model": set()} for name in REMEDIES},
    **{(name, False): {"training": {setting}} for name, setting in SETTINGS.items()},
    ("initialization", True): {"training": {"initialization"}},
    ("input_scaling", False): {"data": set()},
    ("learning_rate", False): {},
}
"""Which parts of the request, and which settings of the training, each remedy may touch."""


@pytest.mark.parametrize("name", REMEDIES)
def test_applying_it_twice_changes_nothing_more(name: str) -> None:
    for request in ILL[name]:
        for candidate in candidates(name, request):
            if candidate.learning_rates is None:
                assert candidate.request not in [c.request for c in _tried(name, candidate.request)]


def _tried(name: str, request: JobRequest) -> list[Candidate]:
    try:
        return candidates(name, request)
    except NotApplicable:
        return []


@pytest.mark.parametrize("name", ["residual", "highway", "batch_norm", "relu"])
def test_a_template_is_written_out_and_then_changed_like_a_spec(name: str) -> None:
    given = template(DIGITS, template="mlp", depth=4, width=8, activation="sigmoid")
    spec = given.model_copy(update={"model": job(FLATTEN, *_blocks(4), HEAD, data=DIGITS).model})
    assert [c.request for c in candidates(name, given)] == [c.request for c in candidates(name, spec)]


def _blocks(depth: int) -> list[dict[str, object]]:
    layers = [{"op": "linear", "units": 8}, {"op": "activation", "function": "sigmoid"}]
    return [{"op": "repeat", "times": depth, "layers": layers}]


def test_changing_a_number_is_less_invasive_than_changing_the_architecture() -> None:
    assert invasiveness("learning_rate") < invasiveness("initialization") < invasiveness("batch_norm")
    assert invasiveness("batch_norm") < invasiveness("residual")
    assert invasiveness("control") == 0
