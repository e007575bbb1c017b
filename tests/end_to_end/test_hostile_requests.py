"""Bad input against the real server: a clear 4xx, quickly, and the service as healthy as before."""

import base64
import json
from collections.abc import Iterator
from typing import Any

import pytest

from tests.end_to_end.conftest import Up
from tests.support.waiting import wait_until

GOOD: dict[str, Any] = {
    "model": {"kind": "spec", "layers": [{"op": "flatten"}, {"op": "linear", "units": "targets"}]},
    "data": {"kind": "builtin", "name": "digits"},
    "training": {"steps": 1},
}
TO_TARGETS = {"op": "linear", "units": "targets"}
LINEAR = {"op": "linear", "units": 64}


def model(*layers: dict[str, Any]) -> bytes:
    """The good request with another network."""
    return json.dumps(GOOD | {"model": {"kind": "spec", "layers": [{"op": "flatten"}, *layers]}}).encode()


def with_value(section: str, name: str, text: str) -> bytes:
    """The good request with a value that is written as given, whatever JSON thinks of it."""
    marked = GOOD | {section: {**GOOD[section], name: "MARK"}}
    return json.dumps(marked).replace('"MARK"', text).encode()


def nested_repeats(depth: int) -> dict[str, Any]:
    layer = LINEAR
    for _ in range(depth):
        layer = {"op": "repeat", "times": 1000, "layers": [layer]}
    return layer


def uploaded_model(checkpoint: str, **fields: Any) -> bytes:
    """The good request with a network from a file."""
    return json.dumps(GOOD | {"model": {"kind": "torchscript", "checkpoint": checkpoint, **fields}}).encode()


NEVER = "sha256:" + "0" * 64
UPLOADS = ("/v1/checkpoints", "/v1/datasets")
SHORTCUT = {"op": "residual", "layers": [{"op": "linear", "units": 32}]}
HOSTILE = {
    "malformed JSON": (b'{"model": ', ""),
    "not UTF-8": (b'{"model": "\xff"}', ""),
    "an empty body": (b"", ""),
    "an array": (b"[]", ""),
    "100 000 brackets": (b"[" * 100_000, ""),
    "100 000 nested objects": (b'{"a":' * 100_000, ""),
    "a wrong type": (with_value("training", "steps", '"many"'), "/training/steps"),
    "an unknown field": (with_value("training", "stepz", "3"), "/training/stepz"),
    "a learning rate of NaN": (with_value("training", "learning_rate", "NaN"), "/training/learning_rate"),
    "an infinite learning rate": (
        with_value("training", "learning_rate", "1e999"),
        "/training/learning_rate",
    ),
    "a number of 5 000 digits": (with_value("training", "steps", "9" * 5_000), "/training/steps"),
    "an unknown data set": (with_value("data", "name", '"mnist"'), "/data/name"),
    "no layers": (json.dumps(GOOD | {"model": {"kind": "spec", "layers": []}}).encode(), "/model/layers"),
    "an unknown op": (model({"op": "quantum"}, TO_TARGETS), "/model/layers/1"),
    "a negative size": (model({"op": "linear", "units": -4}, TO_TARGETS), "/model/layers/1/units"),
    "a depth of 0": (
        model({"op": "repeat", "times": 0, "layers": [LINEAR]}, TO_TARGETS),
        "/model/layers/1/times",
    ),
    "a depth of 100 000": (
        model({"op": "repeat", "times": 100_000, "layers": [LINEAR]}, TO_TARGETS),
        "/model/layers/1",
    ),
    "a depth of 10^45": (model(nested_repeats(15), TO_TARGETS), "/model"),
    "10^12 parameters": (
        model({"op": "linear", "units": 1_000_000}, {"op": "linear", "units": 1_000_000}, TO_TARGETS),
        "/model/layers/",
    ),
    "a residual whose shapes differ": (model(LINEAR, SHORTCUT, TO_TARGETS), "/model/layers/2"),
    "a checkpoint that is not there": (uploaded_model(NEVER), "/model/checkpoint"),
    "a checkpoint that leads elsewhere": (uploaded_model("sha256:../../etc/passwd"), "/model/checkpoint"),
    "a checkpoint by address": (uploaded_model("http://127.0.0.1/model.pt"), "/model/checkpoint"),
    "a checkpoint with a line end": (uploaded_model(NEVER + "\n"), "/model/checkpoint"),
    "output 10^30": (uploaded_model(NEVER, output=10**30), "/model/output"),
    "a data set that is not there": (
        json.dumps(GOOD | {"data": {"kind": "upload", "dataset": NEVER}}).encode(),
        "/data/dataset",
    ),
}


@pytest.mark.parametrize(("body", "pointer"), HOSTILE.values(), ids=HOSTILE.keys())
def test_bad_input_is_a_problem_that_names_its_place(clinic: Up, body: bytes, pointer: str) -> None:
    answer = clinic.http.post("/v1/jobs", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code in {400, 413, 422}, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.elapsed.total_seconds() < 2  # refused without doing the work; generous for a busy machine
    assert "Traceback" not in answer.text
    problem = answer.json()
    assert problem["title"]
    if pointer:
        assert any(error["pointer"].startswith(pointer) for error in problem["errors"]), problem
    assert clinic.http.post("/v1/jobs", json=GOOD).status_code == 202


def test_a_residual_whose_shapes_differ_names_the_layer_and_both_shapes(clinic: Up) -> None:
    answer = clinic.http.post(
        "/v1/jobs", content=model(LINEAR, SHORTCUT, TO_TARGETS), headers={"Content-Type": "application/json"}
    )
    detail = answer.json()["errors"][0]["detail"]
    assert "64" in detail
    assert "32" in detail


def test_a_body_of_100_mb_is_refused_without_being_read_whole(clinic: Up) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += 2**20
            yield b" " * 2**20

    answer = clinic.http.post("/v1/jobs", content=body(), headers={"Content-Type": "application/json"})
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert sent < 100 * 2**20
    assert clinic.http.get("/health/ready").status_code == 200


HOSTILE_UPLOADS: dict[str, tuple[bytes, dict[str, str], int]] = {
    "nothing": (b"", {}, 400),
    "a form": (b"--x--", {"Content-Type": "multipart/form-data; boundary=x"}, 415),
    "JSON": (b"{}", {"Content-Type": "application/json"}, 415),
    "a type of 8 000 characters": (b"x", {"Content-Type": "a/" + "b" * 8000}, 415),
    "a type that is none": (b"x", {"Content-Type": ";;;"}, 201),
    "something compressed": (b"x", {"Content-Encoding": "gzip"}, 415),
    "a wrong digest": (
        b"x",
        {"Content-Digest": f"sha-256=:{base64.b64encode(bytes(32)).decode()}:"},
        400,
    ),
    "a digest that is none": (b"x", {"Repr-Digest": "sha-256=:☃:".encode().decode("latin-1")}, 422),
    "a digest of 8 000 members": (b"x", {"Content-Digest": "a=1," * 2000}, 201),
}


@pytest.mark.parametrize("path", UPLOADS)
@pytest.mark.parametrize(("body", "headers", "status"), HOSTILE_UPLOADS.values(), ids=HOSTILE_UPLOADS.keys())
def test_a_bad_upload_is_a_problem_and_leaves_nothing(
    clinic: Up, path: str, body: bytes, headers: dict[str, str], status: int
) -> None:
    raw = {name: value.encode("latin-1") for name, value in headers.items()}
    answer = clinic.http.post(path, content=body, headers=raw)
    if status < 400:
        assert answer.is_success
        assert clinic.http.delete(answer.headers["location"]).status_code == 204
    else:
        assert (answer.status_code, answer.headers["content-type"]) == (status, "application/problem+json")
        assert "Traceback" not in answer.text
    folder = clinic.data_dir / "artifacts"
    wait_until(lambda: not list(folder.glob(".incoming/*")), what="the rest to go")
    assert not list(folder.glob("uploads/*/*"))
    assert clinic.http.post("/v1/jobs", json=GOOD).status_code == 202


@pytest.mark.parametrize("path", UPLOADS)
@pytest.mark.parametrize("name", ["..%2f..%2fetc%2fpasswd", "sha256:%00", "sha256:" + "g" * 64, "x" * 9000])
def test_an_upload_s_name_cannot_lead_elsewhere(clinic: Up, path: str, name: str) -> None:
    for method in ("GET", "DELETE"):
        answer = clinic.http.request(method, f"{path}/{name}")
        assert (answer.status_code, answer.headers["content-type"]) == (404, "application/problem+json")


def test_a_giant_upload_is_refused_without_being_read_whole(clinic: Up) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        while sent < 100 * 2**20:
            sent += 2**20
            yield bytes(2**20)

    answer = clinic.http.post("/v1/checkpoints", content=body(), headers={"Content-Length": "9" * 14})
    assert (answer.status_code, answer.headers["content-type"]) == (413, "application/problem+json")
    assert sent < 100 * 2**20
    assert not list((clinic.data_dir / "artifacts").glob(".incoming/*"))


@pytest.mark.parametrize(
    "path",
    [
        "/v1/nothing",
        "/v1/checkpoints?after=%00",
        "/v1/datasets?limit=-1",
        "/v1/jobs/job_unknown",
        "/v1/jobs?after=%00",
        "/v1/jobs?limit=-1",
    ],
)
def test_every_error_is_a_problem_document(clinic: Up, path: str) -> None:
    answer = clinic.http.get(path)
    assert answer.status_code in {404, 422}
    assert answer.headers["content-type"] == "application/problem+json"
