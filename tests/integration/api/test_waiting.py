import threading
import time
from collections.abc import Callable
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from tests.integration.api.conftest import Bench, submitted
from tests.support.requests import HIDDEN, job_request
from tests.support.waiting import wait_until


def meanwhile(app: FastAPI, act: Callable[[], None]) -> threading.Thread:
    """Do something once somebody waits for a job."""

    def wait_and_act() -> None:
        wait_until(lambda: app.state.changes.watched > 0, what="somebody to wait")
        act()

    thread = threading.Thread(target=wait_and_act)
    thread.start()
    return thread


@pytest.mark.parametrize("options", [{"params": {"wait": 20}}, {"headers": {"Prefer": "wait=20"}}])
def test_a_wait_ends_when_the_job_is_final(
    app: FastAPI, api: TestClient, bench: Bench, job: dict[str, Any], options: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    helper = meanwhile(app, lambda: bench.succeed(job["id"]))
    began = time.monotonic()
    answer = api.get(job["links"]["self"], **options)
    helper.join()
    assert time.monotonic() - began < 4  # sooner than the look that needs no news
    assert answer.json()["status"] == "succeeded"
    assert answer.headers["preference-applied"] == "wait=20"
    assert app.state.changes.watched == 0


def test_progress_alone_does_not_end_a_wait_for_the_end(
    app: FastAPI, api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    bench.claim(job["id"])
    helper = meanwhile(app, lambda: bench.progress(job["id"], step=1))
    answer = api.get(job["links"]["self"], params={"wait": 0.5})
    helper.join()
    assert answer.json()["status"] == "running"
    assert answer.headers["preference-applied"] == "wait=0.5"


def test_submitting_can_wait_for_the_end(app: FastAPI, api: TestClient, bench: Bench) -> None:
    def run() -> None:
        job_id = api.get("/v1/jobs").json()["data"][0]["id"]
        bench.claim(job_id)
        bench.succeed(job_id)

    helper = meanwhile(app, run)
    answer = api.post("/v1/jobs", json=job_request(HIDDEN), headers={"Prefer": "respond-async, wait=20"})
    helper.join()
    assert (answer.status_code, answer.json()["status"]) == (200, "succeeded")
    assert answer.headers["location"] == answer.json()["links"]["self"]


def test_submitting_answers_202_when_the_wait_was_too_short(api: TestClient) -> None:
    assert submitted(api, params={"wait": 0.2})["status"] == "queued"


def test_a_wish_beyond_the_limit_is_cut_to_it(api: TestClient, bench: Bench, job: dict[str, Any]) -> None:
    bench.claim(job["id"])
    bench.succeed(job["id"])
    answer = api.get(job["links"]["self"], params={"wait": 10_000})
    assert answer.headers["preference-applied"] == "wait=30"


def test_a_known_state_is_not_sent_again(api: TestClient, bench: Bench, job: dict[str, Any]) -> None:
    here = job["links"]["self"]
    tag = api.get(here).headers["etag"]
    assert not tag.startswith("W/")
    same = api.get(here, headers={"If-None-Match": tag})
    assert (same.status_code, same.content) == (304, b"")
    assert same.headers["etag"] == tag
    assert same.headers["retry-after"] == "1"

    bench.claim(job["id"])
    changed = api.get(here, headers={"If-None-Match": tag})
    assert changed.status_code == 200
    assert changed.headers["etag"] != tag


def test_every_change_gives_another_tag(api: TestClient, bench: Bench, job: dict[str, Any]) -> None:
    tags = [api.get(job["links"]["self"]).headers["etag"]]
    for change in (
        bench.claim,
        lambda i: bench.progress(i, 1),
        lambda i: bench.progress(i, 2),
        bench.succeed,
    ):
        change(job["id"])  # type: ignore[operator]
        tags.append(api.get(job["links"]["self"]).headers["etag"])
    assert len(set(tags)) == 5


def test_waiting_with_a_known_state_ends_at_the_next_change(
    app: FastAPI, api: TestClient, bench: Bench, job: dict[str, Any]
) -> None:
    tag = api.get(job["links"]["self"]).headers["etag"]
    helper = meanwhile(app, lambda: bench.claim(job["id"]) and None)
    answer = api.get(job["links"]["self"], params={"wait": 20}, headers={"If-None-Match": tag})
    helper.join()
    assert (answer.status_code, answer.json()["status"]) == (200, "running")


def test_waiting_in_vain_with_a_known_state_is_not_modified(api: TestClient, job: dict[str, Any]) -> None:
    tag = api.get(job["links"]["self"]).headers["etag"]
    answer = api.get(job["links"]["self"], params={"wait": 0.3}, headers={"If-None-Match": tag})
    assert answer.status_code == 304
    assert answer.headers["preference-applied"] == "wait=0.3"


def test_the_diagnosis_has_a_tag_too(api: TestClient, bench: Bench, job: dict[str, Any]) -> None:
    bench.claim(job["id"])
    bench.succeed(job["id"])
    tag = api.get(job["links"]["diagnosis"]).headers["etag"]
    assert api.get(job["links"]["diagnosis"], headers={"If-None-Match": tag}).status_code == 304


def test_many_wait_on_one_connection(app: FastAPI, api: TestClient, bench: Bench, raw_redis: Any) -> None:
    jobs = [submitted(api) for _ in range(3)]
    for job in jobs:
        bench.claim(job["id"])
    answers: list[str] = []

    def wait_for(job: dict[str, Any]) -> None:
        answers.append(api.get(job["links"]["self"], params={"wait": 20}).json()["status"])

    threads = [threading.Thread(target=wait_for, args=(job,)) for job in jobs * 8]
    for thread in threads:
        thread.start()
    wait_until(lambda: app.state.changes.watched == 24, what="all to wait")
    subscribed = [client for client in raw_redis.client_list() if int(client["sub"])]
    assert len(subscribed) == 1
    for job in jobs:
        bench.succeed(job["id"])
    for thread in threads:
        thread.join()
    assert answers == ["succeeded"] * 24
