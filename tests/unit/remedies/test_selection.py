"""Which remedies a diagnosis speaks for."""

import tempfile
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from tests.support.torch_threads import one_thread
from tests.unit.remedies.catalog.requests import (
    FLATTEN,
    HEAD,
    UPLOAD,
    Written,
    deep,
    job,
    recurrent,
    repeat,
    template,
    uploaded_network,
)
from workers.remedies.catalog import NotApplicable, candidates
from workers.remedies.selection import MOST, select
from workers.run import run_job

__all__ = ["one_thread"]

DIGITS: Written = {"kind": "builtin", "name": "digits"}
ADDING: Written = {"kind": "builtin", "name": "adding", "samples": 400}


def mlp(function: str, depth: int = 14, init: str = "torch_default", **training: Any) -> JobRequest:
    block = repeat(
        depth, {"op": "linear", "units": 16, "init": init}, {"op": "activation", "function": function}
    )
    return job(FLATTEN, block, HEAD, data=DIGITS, **{"steps": 100, "batch_size": 32, **training})


@cache
def diagnosed(written: str) -> Diagnosis:
    with tempfile.TemporaryDirectory() as scratch:
        return run_job(JobRequest.model_validate_json(written), Path(scratch), lambda _: None)


def chosen(request: JobRequest) -> list[tuple[str, str | None]]:
    diagnosis = diagnosed(request.model_dump_json())
    assert diagnosis.verdict in {"unhealthy", "at_risk"}
    found, refused = select(diagnosis, request)
    assert len(found) <= MOST
    assert all(reason for _, reason in refused)
    assert not {name for name, _ in refused} & {
        candidate.remedy for candidate in found if not candidate.variant
    }
    return [(candidate.remedy, candidate.variant) for candidate in found]


def test_a_sigmoid_network_gets_what_cures_sigmoids_and_nothing_that_does_not() -> None:
    found = chosen(mlp("sigmoid"))
    assert found[0] == ("initialization", "lsuv")
    assert {
        ("residual", "rezero"), ("activation", "tanh"), ("batch_norm", None), ("relu", None),
        ("layerwise_pretraining", "supervised"),
    } <= set(found)  # fmt: skip
    assert not {"layer_norm", "gradient_clipping", "loss_scaling"} & {name for name, _ in found}
    useless = {("initialization", v) for v in ("xavier", "he", "orthogonal")}
    assert not (useless | {("layerwise_pretraining", "reconstruction")}) & set(found)


def test_too_small_first_weights_are_initialised_to_suit_the_activation() -> None:
    assert chosen(mlp("tanh", depth=20))[0] == ("initialization", "xavier")
    assert ("initialization", "he") in chosen(mlp("relu", depth=20))[:3]


def test_the_same_change_is_not_tried_under_two_names() -> None:
    request = mlp("tanh", depth=20)
    found, _ = select(diagnosed(request.model_dump_json()), request)
    changes = [(candidate.request, candidate.learning_rates) for candidate in found]
    assert all(change not in changes[:index] for index, change in enumerate(changes))


def test_a_loss_through_time_is_met_with_cells_that_keep_their_state() -> None:
    request = template(ADDING, template="rnn", units=8).model_copy(
        update={"training": recurrent().training.model_copy(update={"optimizer": "adam", "steps": 60})}
    )
    found = chosen(request)
    assert found[:2] == [("lstm", "chrono"), ("gru", "chrono")]
    assert ("orthogonal_recurrence", "orthogonal") in found
    assert not {("lstm", "default"), ("lstm", "forget_bias_1"), ("gru", "default")} & set(found)


def test_a_learning_rate_out_of_range_is_searched_for() -> None:
    slow = mlp("relu", depth=2, init="he_normal", learning_rate=1e-6)
    assert chosen(slow) == [("learning_rate", None)]
    found, _ = select(diagnosed(slow.model_dump_json()), slow)
    assert found[0].request == slow
    assert found[0].learning_rates is not None
    assert max(found[0].learning_rates) > 1e-2
    assert ("gradient_clipping", None) in chosen(mlp("relu", depth=2, init="he_normal", learning_rate=30.0))


def diagnosis_of(condition: str, remedies: list[str], **fields: Any) -> Diagnosis:
    """A real diagnosis with another finding in it."""
    base = diagnosed(mlp("sigmoid").model_dump_json())
    finding = base.findings[0].model_copy(
        update={"condition": condition, "remedies": remedies, "severity": "critical", **fields}
    )
    return base.model_copy(update={"findings": [finding]})


HALF = deep(precision="float16", loss_scaling=False)
FROZEN = job({"op": "linear", "units": 6, "trainable": False}, HEAD)
UNSCALED = job(HEAD, data={"kind": "builtin", "name": "wine", "standardize": False})
DIRECT = [
    ("gradient_underflow", HALF, [("loss_scaling", None), ("bfloat16", None)]),
    ("frozen_parameters", FROZEN, [("unfreeze", None)]),
    ("unscaled_inputs", UNSCALED, [("input_scaling", None)]),
]


@pytest.mark.parametrize(("condition", "request_", "expected"), DIRECT, ids=[case[0] for case in DIRECT])
def test_a_plain_cause_gets_its_own_remedy(
    condition: str, request_: JobRequest, expected: list[tuple[str, str | None]]
) -> None:
    found, _ = select(diagnosis_of(condition, []), request_)
    assert [(candidate.remedy, candidate.variant) for candidate in found] == expected


def test_remedies_for_people_are_named_with_the_reason() -> None:
    _, refused = select(diagnosis_of("not_learning", ["check_data", "learning_rate"]), deep())
    assert ("check_data", "it cannot be tried automatically") in refused


def test_an_uploaded_network_gets_the_same_as_changes_of_its_modules() -> None:
    sigmoid = mlp("sigmoid")
    diagnosis = diagnosed(sigmoid.model_dump_json())
    found, _ = select(diagnosis, uploaded_network())
    as_spec, _ = select(diagnosis, sigmoid)
    assert [(c.remedy, c.variant) for c in found] == [(c.remedy, c.variant) for c in as_spec]
    assert all(c.request.model.kind == "torchscript" for c in found)


def test_what_cannot_be_changed_in_a_file_is_named_with_the_reason() -> None:
    _, refused = select(diagnosis_of("vanishing_gradients", ["lstm"], axis="time"), uploaded_network())
    assert "uploaded network" in dict(refused)["lstm"]


def test_on_uploaded_data_the_diagnosis_tells_what_the_samples_are_like() -> None:
    given = template(DIGITS, template="mlp", depth=3, width=8, activation="sigmoid")
    diagnosis = diagnosed(given.model_dump_json())
    elsewhere = JobRequest.model_validate({**given.model_dump(), "data": UPLOAD})
    (first, *_) = candidates("residual", elsewhere, diagnosis)
    assert [layer["op"] for layer in first.request.model_dump()["model"]["layers"]][:2] == [
        "flatten",
        "linear",
    ]
    (relu,) = candidates("relu", elsewhere, diagnosis)
    assert candidates("residual", relu.request, diagnosis)
    convolutional = template(UPLOAD, template="cnn")
    with pytest.raises(NotApplicable, match="before they are loaded"):
        candidates("residual", convolutional, diagnosis)


def test_notes_ask_for_nothing() -> None:
    base = diagnosed(mlp("sigmoid").model_dump_json())
    notes = [finding.model_copy(update={"severity": "note"}) for finding in base.findings]
    assert select(base.model_copy(update={"findings": notes}), mlp("sigmoid")) == ([], [])


def test_what_is_selected_is_what_the_catalog_makes() -> None:
    request = mlp("sigmoid")
    for candidate in select(diagnosed(request.model_dump_json()), request)[0]:
        assert candidate in candidates(candidate.remedy, request, diagnosed(request.model_dump_json()))
