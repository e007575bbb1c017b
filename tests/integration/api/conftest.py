"""The API over a real Redis; the tests play the worker, command by command."""

import gzip
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import FastAPI
from starlette.testclient import TestClient

from service.app import create_app
from service.contract.job import JobState
from service.settings import Settings
from service.store import commands
from service.store.artifacts import ArtifactStore, trace_name
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from service.store.trial_commands import branch
from tests.support.live_server import LiveServer
from tests.support.requests import HIDDEN, diagnosis, job_request
from tests.support.trials import new_round

LEASE_MS = 60_000


@pytest.fixture
def app(store_settings: StoreSettings) -> FastAPI:
    return create_app(Settings(store=store_settings, log_level="error"))


@pytest.fixture
def api(app: FastAPI) -> Iterator[TestClient]:
    with TestClient(app) as client:
        yield client


class Bench:
    """What a worker does to a job, without training anything."""

    def __init__(self, store: BlockingJobStore, data_dir: Path) -> None:
        self.store = store
        self.artifacts = ArtifactStore(data_dir / "artifacts")
        self._scratch = data_dir

    def claim(self, job_id: str) -> int:
        claim = self.store.execute(commands.claim(job_id, "bench", LEASE_MS))
        assert claim is not None
        return claim.attempt

    def progress(self, job_id: str, step: int, attempt: int = 1) -> None:
        progress = {"phase": "training", "step": step, "steps": 9, "loss": 1.0}
        self.store.execute(commands.renew(job_id, attempt, LEASE_MS, json.dumps(progress)))

    def succeed(self, job_id: str, attempt: int = 1) -> None:
        self.keep_trace(job_id, attempt)
        answer = json.dumps(diagnosis())
        command = commands.finish(job_id, attempt, JobState.SUCCEEDED, None, answer, "healthy")
        assert self.store.execute(command)

    def try_remedies(self, job_id: str, attempt: int = 1) -> None:
        """The network is diagnosed; a trial of a remedy waits for a worker."""
        self.keep_trace(job_id, attempt)
        so_far = diagnosis() | {"remedies_outcome": "unfinished"}
        round_ = new_round(diagnosis_json=json.dumps(so_far))
        assert self.store.execute(branch(job_id, attempt, round_)).outcome == "branched"

    def fail(self, job_id: str, attempt: int = 1) -> None:
        error = {"code": "timed_out", "detail": "It took too long.", "retryable": False}
        assert self.store.execute(commands.finish(job_id, attempt, JobState.FAILED, json.dumps(error)))

    def keep_trace(self, job_id: str, attempt: int) -> None:
        for suffix, content in ((".npz", b"an archive"), (".json.gz", gzip.compress(b'{"steps": [0]}'))):
            file = self._scratch / f"trace{suffix}"
            file.write_bytes(content)
            self.artifacts.put_file(trace_name(job_id, attempt, suffix), file)


@pytest.fixture
def bench(api: TestClient, store: BlockingJobStore, store_settings: StoreSettings) -> Bench:
    return Bench(store, store_settings.data_dir)


@pytest.fixture
def job(api: TestClient) -> dict[str, Any]:
    """A job that waits in the queue."""
    return submitted(api)


def submitted(api: TestClient, **options: Any) -> dict[str, Any]:
    answer = api.post("/v1/jobs", json=job_request(HIDDEN), **options)
    assert answer.status_code == 202, answer.text
    document: dict[str, Any] = answer.json()
    return document


def assert_problem(answer: Any, status: int, kind: str | None = None) -> dict[str, Any]:
    """The answer is a problem document of that kind."""
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    problem: dict[str, Any] = answer.json()
    assert problem["status"] == status
    assert problem["title"]
    assert problem["type"] == (f"/problems/{kind}" if kind else "about:blank")
    return problem


@pytest.fixture
def live(app: FastAPI) -> Iterator[LiveServer]:
    with LiveServer(app) as server:
        yield server
