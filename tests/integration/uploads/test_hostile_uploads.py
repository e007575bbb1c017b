"""Files made to do harm, each given to a real worker: every job ends with its reason, within its limits, and
nothing and nobody else is touched."""

import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pytest

from service.app import create_app
from service.contract.job import JobRequest, JobState
from service.settings import Settings
from service.store.settings import StoreSettings
from tests.integration.uploads.conftest import UploadingJobs
from tests.support.hostile import HOSTILE, Hostile
from tests.support.live_server import LiveServer
from tests.support.workers import error_of, worker

SECRET = "the canary sings"
MEMORY_MIB = 1024
SECONDS = 30.0
SECONDS_WITHOUT_END = 10.0
"""For what nothing but the limits can end."""
ANSWER_SECONDS = 2.0
"""The longest that the service may take to answer, whatever its jobs do."""
BETWEEN_NEIGHBOURS = 8
"""Hostile jobs, each time, before one that is not."""
CHECKPOINTS = [hostile for hostile in HOSTILE if hostile.format in ("torchscript", "exported")]
DATASETS = [hostile for hostile in HOSTILE if hostile.format in ("npz", "safetensors")]
SMALL_ENOUGH = {"npz-bomb"}
"""Refused by its size only under smaller limits than a worker's; here by what it unpacks to."""
RUNNING = [hostile for hostile in CHECKPOINTS if hostile.stopped_by != "read"]


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / "canary.txt"
    path.write_text(SECRET)
    return path


def request_for(hostile: Hostile, content: bytes) -> JobRequest:
    name = UploadingJobs.checkpoint_id(content)
    linear = {"kind": "spec", "layers": [{"op": "linear", "units": "targets"}]}
    checkpoint = hostile in CHECKPOINTS
    written: dict[str, Any] = {
        "model": {"kind": hostile.format, "checkpoint": name} if checkpoint else linear,
        "data": {"kind": "synthetic", "input_shape": [4], "classes": 3}
        if checkpoint
        else {"kind": "upload", "dataset": name},
        "training": {"steps": 3, "batch_size": 8},
        "remedies": {"try": "none"},
        "limits": {
            "wall_seconds": SECONDS_WITHOUT_END if hostile.stopped_by == "limits" else SECONDS,
            "memory_mib": MEMORY_MIB,
        },
    }
    return JobRequest.model_validate(written)


NEIGHBOUR = JobRequest.model_validate(
    {
        "model": {"kind": "template", "template": "mlp", "depth": 2, "width": 8},
        "data": {"kind": "builtin", "name": "iris"},
        "training": {"steps": 5},
        "remedies": {"try": "none"},
    }
)


class Watched:
    """The service, asked again and again how it is and how a job is."""

    def __init__(self, port: int) -> None:
        self._http = httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)
        self._job = ""
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._ask, daemon=True)
        self.answers: list[tuple[str, int, float]] = []
        """Path, status and seconds of each."""

    def __enter__(self) -> "Watched":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._ending.set()
        self._thread.join(60)
        self._http.close()

    def look_at(self, job_id: str) -> None:
        self._job = job_id

    def _ask(self) -> None:
        while not self._ending.wait(0.2):
            for path in ("/health/ready", f"/v1/jobs/{self._job}" if self._job else "/health/live"):
                began = time.perf_counter()
                status = self._http.get(path).status_code
                self.answers.append((path, status, time.perf_counter() - began))


def everything_ends_as_foreseen(
    hostiles: Sequence[Hostile], jobs: UploadingJobs, canary: Path, settings: StoreSettings
) -> None:
    """Two workers, the API, hostile jobs and harmless ones between them."""
    app = create_app(Settings(store=settings, log_level="error"))
    with (
        worker(settings, "workers.app") as first,
        worker(settings, "workers.app") as second,
        LiveServer(app) as server,
        Watched(server.port) as watched,
    ):
        _all_end_as_foreseen(hostiles, jobs, canary, watched)
        assert SECRET not in first.log() + second.log()
    assert len(watched.answers) > 10
    late = [answer for answer in watched.answers if answer[1] != 200 or answer[2] > ANSWER_SECONDS]
    assert late == []


def _all_end_as_foreseen(
    hostiles: Sequence[Hostile], jobs: UploadingJobs, canary: Path, watched: Watched
) -> None:
    names, neighbours = {}, []
    for number, hostile in enumerate(hostiles):
        content = hostile.make(canary)
        kind = "checkpoint" if hostile in CHECKPOINTS else "dataset"
        names[jobs.submit(request_for(hostile, content), **{kind: content})] = hostile
        if number % BETWEEN_NEIGHBOURS == 0:
            neighbours.append(jobs.submit(NEIGHBOUR))

    problems = []
    for job_id, hostile in names.items():
        watched.look_at(job_id)
        record = jobs.wait_for_end(job_id, timeout=2 * SECONDS)
        if hostile.code is None:
            ended = record.status is JobState.SUCCEEDED
        else:
            error = error_of(record) if record.error_json else {"code": None, "detail": record.status}
            ended = error["code"] == hostile.code and (
                hostile.says in error["detail"] or hostile.name in SMALL_ENOUGH
            )
        if not ended:
            problems.append(f"{hostile.name}: {record.status} {record.error_json}")
        if SECRET in f"{record.error_json}{record.diagnosis_json}":
            problems.append(f"{hostile.name}: told what the canary sings")

    assert not problems, "\n".join(problems)
    assert canary.read_text() == SECRET
    assert sorted(path.name for path in canary.parent.iterdir()) == ["canary.txt", "data"]
    assert all(jobs.wait_for_end(job_id).status is JobState.SUCCEEDED for job_id in neighbours)


@pytest.mark.timeout(300)
def test_what_runs_is_stopped_by_budgets_and_limits(
    store_settings: StoreSettings, jobs: UploadingJobs, canary: Path
) -> None:
    everything_ends_as_foreseen(RUNNING, jobs, canary, store_settings)


def test_hostile_data_sets_are_refused(
    store_settings: StoreSettings, jobs: UploadingJobs, canary: Path
) -> None:
    everything_ends_as_foreseen(DATASETS, jobs, canary, store_settings)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_hostile_to_read_is_refused_before_anything_is_built(
    store_settings: StoreSettings, jobs: UploadingJobs, canary: Path
) -> None:
    everything_ends_as_foreseen(
        [h for h in CHECKPOINTS if h.stopped_by == "read"], jobs, canary, store_settings
    )
