"""Whatever is sent, the answer is a problem that says where it is wrong, and the service goes on."""

import json
import time
from typing import Any

import pytest
from starlette.testclient import TestClient

from tests.integration.api.conftest import assert_problem, submitted
from tests.support.requests import HIDDEN, job_body, with_literal

JSON = {"Content-Type": "application/json"}


def nested_repeats(depth: int) -> dict[str, Any]:
    layer = HIDDEN
    for _ in range(depth):
        layer = {"op": "repeat", "times": 1000, "layers": [layer]}
    return layer


HUGE = {"op": "linear", "units": 1_000_000}
INVALID = {
    "a wrong type": (with_literal("training", "steps", '"many"'), "/training/steps"),
    "a learning rate of NaN": (with_literal("training", "learning_rate", "NaN"), "/training/learning_rate"),
    "a number of 5 000 digits": (with_literal("training", "steps", "9" * 5000), "/training/steps"),
    "an unknown data set": (with_literal("data", "name", '"mnist"'), "/data/name"),
    "a negative size": (job_body({"op": "linear", "units": -4}), "/model/layers/1/units"),
    "a depth of 0": (job_body({"op": "repeat", "times": 0, "layers": [HIDDEN]}), "/model/layers/1/times"),
    "a depth of 100 000": (
        job_body({"op": "repeat", "times": 100_000, "layers": [HIDDEN]}),
        "/model/layers/1",
    ),
    "a depth of 10^45": (job_body(nested_repeats(15)), "/model/layers/1"),
    "10^12 parameters": (job_body(HUGE, HUGE), "/model/layers/"),
    "a residual whose shapes differ": (
        job_body(HIDDEN, {"op": "residual", "layers": [{"op": "linear", "units": 5}]}),
        "/model/layers/2",
    ),
    "no way from image to vector": (
        json.dumps(
            {"model": {"kind": "spec", "layers": [HIDDEN]}, "data": {"kind": "builtin", "name": "digits"}}
        ),
        "/model/layers/0",
    ),
    "10 000 wrong layers": (job_body(*[{"op": "linear", "units": -1, "a": 1}] * 2000), "/model/layers/1"),
}


@pytest.mark.parametrize(("body", "pointer"), INVALID.values(), ids=INVALID.keys())
def test_what_cannot_work_is_refused_where_it_is_wrong(api: TestClient, body: bytes, pointer: str) -> None:
    began = time.perf_counter()
    answer = api.post("/v1/jobs", content=body, headers=JSON)
    assert time.perf_counter() - began < 1  # milliseconds; generous for a busy machine
    errors = assert_problem(answer, 422, "invalid-request")["errors"]
    assert errors[0]["pointer"].startswith(pointer), errors
    assert errors[0]["detail"]
    assert api.get("/v1/jobs").json()["data"] == []
    submitted(api)


@pytest.mark.parametrize("body", [b"", b"{", b'{"a": "\xff"}', b"[" * 100_000, b'{"a":' * 100_000])
def test_what_is_no_json_is_a_bad_request(api: TestClient, body: bytes) -> None:
    problem = assert_problem(api.post("/v1/jobs", content=body, headers=JSON), 400, "malformed-json")
    assert problem["detail"]
    assert "Traceback" not in json.dumps(problem)
    submitted(api)


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": "application/x-www-form-urlencoded"},
        {"Content-Type": "multipart/form-data; boundary=x"},
        {},
        JSON | {"Content-Encoding": "gzip"},
    ],
)
def test_other_formats_are_not_taken(api: TestClient, headers: dict[str, str]) -> None:
    assert_problem(api.post("/v1/jobs", content=job_body(), headers=headers), 415)


def test_json_may_name_its_character_set(api: TestClient) -> None:
    headers = {"Content-Type": "Application/JSON; charset=utf-8"}
    assert api.post("/v1/jobs", content=job_body(), headers=headers).status_code == 202


@pytest.mark.parametrize(
    ("query", "parameter"),
    [
        ("limit=0", "limit"),
        ("limit=101", "limit"),
        ("limit=many", "limit"),
        ("status=done", "status"),
        ("after=%00", "after"),
        ("after=" + "x" * 100, "after"),
        ("after=", "after"),
        ("stauts=queued", "stauts"),
    ],
)
def test_a_bad_query_is_refused_by_name(api: TestClient, query: str, parameter: str) -> None:
    problem = assert_problem(api.get(f"/v1/jobs?{query}"), 422, "invalid-request")
    assert [error["parameter"] for error in problem["errors"]] == [parameter]


@pytest.mark.parametrize("wait", ["-1", "nan", "inf", "soon"])
def test_a_bad_wait_is_refused_by_name(api: TestClient, job: dict[str, Any], wait: str) -> None:
    problem = assert_problem(api.get(job["links"]["self"], params={"wait": wait}), 422, "invalid-request")
    assert problem["errors"][0]["parameter"] == "wait"


def test_a_key_that_is_no_key_is_refused_by_name(api: TestClient) -> None:
    answer = api.post("/v1/jobs", content=job_body(), headers=JSON | {"Idempotency-Key": "x" * 300})
    assert assert_problem(answer, 422, "invalid-request")["errors"][0]["parameter"] == "Idempotency-Key"


def test_unknown_addresses_and_methods_are_problems(api: TestClient) -> None:
    for path in ("/nothing", "/v1/jobs/", "/v1/jobs/a/b/c", "/%00", "/problems/none"):
        assert_problem(api.get(path), 404)
    refused = api.put("/v1/jobs")
    assert_problem(refused, 405)
    assert refused.headers["allow"] == "GET, HEAD, POST"
    assert api.get("/v1/jobs/x/cancel").headers["allow"] == "POST"


def test_what_can_be_got_can_be_headed(api: TestClient, job: dict[str, Any]) -> None:
    for path in (job["links"]["self"], "/v1/catalog", "/health/live"):
        head, get = api.head(path), api.get(path)
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-length"] == get.headers["content-length"]


def test_a_fault_of_the_service_tells_its_number_and_nothing_else(
    capsys: pytest.CaptureFixture[str], api: TestClient, job: dict[str, Any], raw_redis: Any
) -> None:
    # a job that no version of this service can have written
    raw_redis.hset(f"gradient-clinic:job:{job['id']}", "status", "secret-of-the-store")
    problem = assert_problem(api.get(job["links"]["self"]), 500, "internal")
    assert "secret-of-the-store" not in json.dumps(problem)
    assert "Traceback" not in json.dumps(problem)
    answer = api.get(job["links"]["self"], headers={"X-Request-ID": "mine-1"})
    assert answer.headers["x-request-id"] == "mine-1"
    assert "mine-1" in answer.json()["detail"]
    logged = [json.loads(line) for line in capsys.readouterr().err.splitlines()]
    assert any(line.get("request_id") == "mine-1" and "Traceback" in line["exception"] for line in logged)


def test_a_request_id_that_could_forge_logs_is_replaced(api: TestClient) -> None:
    for given in ("a b", "x" * 65, '"', ""):
        assert api.get("/health/live", headers={"X-Request-ID": given}).headers["x-request-id"] != given


def test_the_way_in_and_the_problems_pages(api: TestClient, job: dict[str, Any]) -> None:
    home = api.get("/").json()
    for name in ("catalog", "docs", "openapi"):
        assert api.get(home[name]).status_code == 200
    problem = api.get(job["links"]["diagnosis"]).json()
    assert api.get(problem["type"]).json()["title"] == problem["title"]
    assert problem["type"] in [kind["type"] for kind in api.get("/problems").json()]


def test_health_says_what_was_looked_at(api: TestClient) -> None:
    assert api.get("/health/live").json()["status"] == "ok"
    assert api.get("/health/ready").json() == {"status": "ok", "checks": {"redis": "ok", "data_dir": "ok"}}
