"""Files made to do harm, each given to a real worker: every job ends with its reason, within its limits, and
nothing and nobody else is touched."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from service.contract.job import JobRequest, JobState
from service.store.settings import StoreSettings
from tests.integration.uploads.conftest import UploadingJobs
from tests.support.hostile import HOSTILE, Hostile
from tests.support.workers import WorkerProcess, error_of, worker

SECRET = "the canary sings"
MEMORY_MIB = 1024
SECONDS = 30.0
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
        "limits": {"wall_seconds": SECONDS, "memory_mib": MEMORY_MIB},
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


def everything_ends_as_foreseen(
    hostiles: Sequence[Hostile], jobs: UploadingJobs, canary: Path, process: WorkerProcess
) -> None:
    names = {}
    for hostile in hostiles:
        content = hostile.make(canary)
        kind = "checkpoint" if hostile in CHECKPOINTS else "dataset"
        names[jobs.submit(request_for(hostile, content), **{kind: content})] = hostile
    neighbour = jobs.submit(NEIGHBOUR)

    problems = []
    for job_id, hostile in names.items():
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
    assert jobs.wait_for_end(neighbour).status is JobState.SUCCEEDED
    assert SECRET not in process.log()


def test_what_runs_is_stopped_by_budgets_and_limits(
    store_settings: StoreSettings, jobs: UploadingJobs, canary: Path
) -> None:
    with worker(store_settings, "workers.app") as process:
        everything_ends_as_foreseen(RUNNING, jobs, canary, process)


def test_hostile_data_sets_are_refused(
    store_settings: StoreSettings, jobs: UploadingJobs, canary: Path
) -> None:
    with worker(store_settings, "workers.app") as process:
        everything_ends_as_foreseen(DATASETS, jobs, canary, process)


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_what_is_hostile_to_read_is_refused_before_anything_is_built(
    store_settings: StoreSettings, jobs: UploadingJobs, canary: Path
) -> None:
    with worker(store_settings, "workers.app") as process:
        everything_ends_as_foreseen([h for h in CHECKPOINTS if h.stopped_by == "read"], jobs, canary, process)
