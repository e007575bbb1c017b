"""Redis goes and comes back; the service says so, and goes on."""

import os
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.app import create_app
from service.reaper import ABANDONED_SECONDS, Reaper
from service.settings import Settings
from service.store.embedded_redis import EmbeddedRedis
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.integration.api.conftest import Bench, assert_problem, submitted
from tests.integration.api.test_reaper import work
from tests.support.waiting import wait_until


@pytest.fixture(scope="module")
def own_redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A server that a test may stop and start again."""
    with EmbeddedRedis(tmp_path_factory.mktemp("own")) as server:
        yield server


@pytest.fixture
def fragile_app(own_redis: EmbeddedRedis, tmp_path: Path) -> FastAPI:
    store = StoreSettings(redis_url=own_redis.url, data_dir=tmp_path / "data")
    return create_app(Settings(store=store, log_level="error"))


@pytest.fixture
def fragile(fragile_app: FastAPI) -> Iterator[TestClient]:
    with TestClient(fragile_app) as client:
        yield client


def test_without_redis_everything_else_answers_and_later_all_is_well(
    own_redis: EmbeddedRedis, fragile: TestClient
) -> None:
    job = submitted(fragile)
    own_redis.stop()
    try:
        answer = fragile.get(job["links"]["self"])
        assert "job store" in assert_problem(answer, 503, "unavailable")["detail"]
        assert int(answer.headers["retry-after"]) > 0
        ready = fragile.get("/health/ready")
        assert ready.status_code == 503
        assert ready.headers["content-type"] == "application/problem+json"
        assert ready.json()["checks"] == {"redis": "failed", "data_dir": "ok"}
        assert fragile.get("/health/live").status_code == 200
        assert fragile.get("/v1/catalog").status_code == 200
    finally:
        own_redis.start()
    wait_until(lambda: fragile.get("/health/ready").status_code == 200, what="the service to be ready again")
    assert fragile.get(job["links"]["self"]).json()["status"] == "queued"
    submitted(fragile)


def test_an_upload_without_redis_is_refused_for_now_and_what_it_left_is_swept(
    own_redis: EmbeddedRedis, fragile_app: FastAPI, fragile: TestClient
) -> None:
    settings: StoreSettings = fragile_app.state.settings.store
    own_redis.stop()
    try:
        # its record may or may not be there, so its file stays until that is known
        assert_problem(fragile.post("/v1/checkpoints", content=b"weights"), 503, "unavailable")
        (left,) = (settings.data_dir / "artifacts").glob("uploads/*/*")
    finally:
        own_redis.start()
    wait_until(lambda: fragile.get("/health/ready").status_code == 200, what="the service to be ready again")

    os.utime(left, (0, left.stat().st_mtime - ABANDONED_SECONDS - 1))
    work(settings, Reaper.sweep_uploads)
    assert not left.exists()
    assert fragile.post("/v1/checkpoints", content=b"weights").status_code == 201


def test_who_waits_survives_a_restart_of_redis(
    own_redis: EmbeddedRedis, fragile_app: FastAPI, fragile: TestClient
) -> None:
    job = submitted(fragile)
    answers: list[dict[str, Any]] = []

    def wait() -> None:
        answers.append(fragile.get(job["links"]["self"], params={"wait": 25}).json())

    waiting = threading.Thread(target=wait)
    waiting.start()
    wait_until(lambda: fragile_app.state.changes.watched == 1, what="it to wait")
    own_redis.stop()
    own_redis.start()
    with BlockingJobStore(own_redis.url) as store:
        bench = Bench(store, fragile_app.state.settings.store.data_dir)
        bench.claim(job["id"])
        bench.succeed(job["id"])
    waiting.join(30)
    assert answers[0]["status"] == "succeeded"


def test_without_a_writable_folder_the_service_is_not_ready(
    fragile_app: FastAPI, fragile: TestClient
) -> None:
    fragile_app.state.settings.store.data_dir.rename(
        fragile_app.state.settings.store.data_dir.with_name("away")
    )
    checks = assert_problem(fragile.get("/health/ready"), 503, "unavailable")["checks"]
    assert checks == {"redis": "ok", "data_dir": "failed"}
