"""Jobs with trials, as tests with real workers see them."""

import json
from pathlib import Path
from typing import Any

from service.contract.job import JobRequest
from service.store.records import JobRecord
from tests.support.waiting import wait_until
from tests.support.workers import Jobs

WORKER = "tests.faults.trying_worker"


def trying(release: Path, *rounds: int, trial: str = "at_once", **metadata: Any) -> JobRequest:
    """A request whose job has so many trials made in each round, which behave like `trial`."""
    told = {"rounds": list(rounds), "trial": trial, "release": str(release), **metadata}
    return JobRequest.model_validate(
        {
            "model": {"kind": "spec", "layers": [{"op": "linear", "units": "targets"}]},
            "data": {"kind": "builtin", "name": "iris"},
            "limits": {"memory_mib": 512},
            "metadata": told,
        }
    )


def statuses(jobs: Jobs, job_id: str) -> list[str]:
    """Where each trial stands."""
    progress = json.loads(jobs.record(job_id).progress_json or "{}")
    return [trial["status"] for trial in progress.get("trials", [])]


def wait_for_running(jobs: Jobs, job_id: str, count: int = 1) -> None:
    """Until the processes of so many trials have told of a step, and none of them is done."""

    def look() -> bool:
        progress = json.loads(jobs.record(job_id).progress_json or "{}")
        steps = [trial["step"] for trial in progress.get("trials", []) if trial["status"] == "running"]
        return len(steps) == count and all(steps)

    wait_until(look, what=f"{count} trials at a time")


def gathered(record: JobRecord) -> dict[str, Any]:
    """What the diagnosis tells of the trials."""
    assert record.diagnosis_json is not None, record.error_json
    told: dict[str, Any] = json.loads(record.diagnosis_json)["metadata"]
    return told


def intervals(record: JobRecord) -> list[tuple[float, float]]:
    """When each trial was made."""
    runs = [result["runs"][0] for result in gathered(record)["results"]]
    return [(run["loss"], run["metric"]) for run in runs]
