import json
from typing import Any

import pytest

from service.jobs.parsing import parse_job_request
from service.problems import InvalidRequestProblem, MalformedJsonError
from tests.support.requests import HIDDEN, job_body, job_request, with_literal


def pointers(body: bytes) -> dict[str, str]:
    """Place and detail of everything that is wrong in a body."""
    with pytest.raises(InvalidRequestProblem) as refused:
        parse_job_request(body)
    return {str(error.pointer): error.detail for error in refused.value.errors}


def test_a_good_request_is_read() -> None:
    assert parse_job_request(job_body(HIDDEN)).training.steps == 2


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (b"", "EOF"),
        (b'{"model": ', "EOF"),
        (b'{"model": "\xff"}', "unicode"),
        (b"[" * 100_000, "recursion limit"),
        (b'{"a":' * 100_000, "recursion limit"),
        (b"{'model': 1}", "line 1"),
        (job_body(metadata={"a": "MARK"}).replace(b"MARK", b"\\ud800"), "hex escape"),
        (job_body().replace(b'"steps": 2', b'"steps": 2, "steps": 3'), "'steps' stands twice"),
    ],
)
def test_what_is_no_json_is_refused_with_the_reason(body: bytes, said: str) -> None:
    with pytest.raises(MalformedJsonError) as refused:
        parse_job_request(body)
    assert said in str(refused.value.detail)


@pytest.mark.parametrize(
    ("body", "pointer", "said"),
    [
        (b"[]", "", "must be an object"),
        (b"null", "", "must be an object"),
        (with_literal("training", "steps", '"many"'), "/training/steps", "integer"),
        (with_literal("training", "stepz", "3"), "/training/stepz", "unknown field; known here: batch_size"),
        (with_literal("training", "learning_rate", "NaN"), "/training/learning_rate", "not NaN"),
        (with_literal("training", "learning_rate", "-1"), "/training/learning_rate", "greater than 0"),
        (with_literal("training", "learning_rate", "1e999"), "/training/learning_rate", "not NaN"),
        (with_literal("training", "steps", "9" * 5000), "/training/steps", "less than or equal"),
        (with_literal("data", "name", '"mnist"'), "/data/name", "'digits'"),
        (with_literal("data", "kind", '"download"'), "/data/kind", "known: builtin, synthetic"),
        (job_body(data={"name": "digits"}), "/data/kind", "is required; known: builtin"),
        (job_body(data={"kind": "builtin"}), "/data/name", "is required"),
        (job_body(data=3), "/data", "must be an object"),
        (job_body(model={"kind": "spec", "layers": []}), "/model/layers", "at least 1"),
        (job_body({"op": "quantum"}), "/model/layers/1/op", "unknown op 'quantum'; known: activation"),
        (job_body({"op": "linear", "units": -4}), "/model/layers/1/units", "or must be 'targets'"),
        (job_body({"op": "linear"}), "/model/layers/1/units", "is required"),
        (
            job_body({"op": "residual", "layers": [{"op": "repeat", "times": 0, "layers": [HIDDEN]}]}),
            "/model/layers/1/layers/0/times",
            "greater than or equal to 1",
        ),
        (
            job_body(HIDDEN | {"init": "xa"}),
            "/model/layers/1/init",
            "unknown name 'xa'; known: constant, he_normal",
        ),
        (job_body(HIDDEN | {"init": "constant"}), "/model/layers/1/init", "needs an object that has 'value'"),
        (
            job_body(HIDDEN | {"init": {"name": "normal", "sigma": 1}}),
            "/model/layers/1/init/sigma",
            "unknown field; known here: mean, name, std",
        ),
        (job_body(model={"kind": "template", "template": "mlp", "width": 0}), "/model/width", "equal to 1"),
        (
            job_body(model={"kind": "template", "template": "gan"}),
            "/model/template",
            "known: cnn, mlp, rnn, transformer",
        ),
        (job_body(remedies={"try": ["relu", "magic"]}), "/remedies/try/1", "must be 'activation'"),
        (
            job_body(remedies={"try": "magic"}),
            "/remedies/try",
            "must be 'auto' or 'none', or must be a valid array",
        ),
        (job_body(metadata={"a/b": [0, "MARK"]}).replace(b'"MARK"', b"NaN"), "/metadata/a~1b/1", "not NaN"),
        (job_body(metadata={"~": "MARK"}).replace(b'"MARK"', b"1e999"), "/metadata/~0", "not NaN"),
    ],
)
def test_what_is_wrong_is_named_by_a_pointer_into_the_body(body: bytes, pointer: str, said: str) -> None:
    found = pointers(body)
    assert list(found) == [pointer]
    assert said in found[pointer]


def test_a_field_that_is_called_like_a_tag_does_not_lead_the_pointer_astray() -> None:
    # "linear" is the tag of the layer and also an unknown field in it
    assert list(pointers(job_body(HIDDEN | {"linear": {"units": 3}}))) == ["/model/layers/1/linear"]


def test_every_wrong_place_is_named_at_once() -> None:
    request = job_request(HIDDEN | {"units": 0})
    request["training"] = {"steps": -1, "optimizer": "lion"}
    assert set(pointers(json.dumps(request).encode())) == {
        "/model/layers/1/units",
        "/training/steps",
        "/training/optimizer",
    }


def test_of_very_many_wrong_places_the_first_are_named() -> None:
    found = pointers(job_body(*[{"op": "linear", "units": -1}] * 2000))
    assert len(found) == 51
    assert "/model/layers/1/units" in found
    assert "more" in found[""]


@pytest.mark.parametrize("value", [{"a": [1, {"b": None}]}, {"long": 10**300}, {"": ""}])
def test_metadata_is_kept_as_it_is(value: dict[str, Any]) -> None:
    request = parse_job_request(job_body(metadata=value))
    assert json.loads(request.model_dump_json())["metadata"] == value
