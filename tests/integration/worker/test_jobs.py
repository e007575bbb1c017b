"""Real jobs on a real worker: trained, probed, diagnosed, or ended for a reason."""

import gzip
import json
from typing import Any

import pytest

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest, JobState
from service.store.artifacts import ArtifactStore, trace_name
from service.store.records import JobRecord
from service.store.settings import StoreSettings
from tests.support.workers import Jobs, WorkerProcess, error_of
from workers.machine import has_gpu
from workers.probes.trace import Trace

PATIENCE = 60.0  # the first job waits for the worker to import PyTorch


def mlp(*, depth: int = 2, units: int = 16, init: object = "torch_default", **changes: Any) -> JobRequest:
    """A small network on the digits."""
    hidden = [
        {"op": "linear", "units": units, "init": init},
        {"op": "activation", "function": "tanh"},
    ]
    layers = [
        {"op": "flatten"},
        {"op": "repeat", "times": depth, "layers": hidden},
        {"op": "linear", "units": "targets"},
    ]
    request = {
        "model": {"kind": "spec", "layers": layers},
        "data": {"kind": "builtin", "name": "digits"},
        "training": {"steps": 30, "learning_rate": 0.1},
        "remedies": {"try": "none"},
        "device": "cpu",
    }
    return JobRequest.model_validate(request | changes)


def diagnosis_of(record: JobRecord) -> Diagnosis:
    assert record.status == JobState.SUCCEEDED, record.error_json
    assert record.diagnosis_json is not None
    return Diagnosis.model_validate_json(record.diagnosis_json)


def test_a_small_job_is_trained_and_diagnosed_and_leaves_its_trace(
    jobs: Jobs, artifacts: ArtifactStore, worker_settings: StoreSettings
) -> None:
    job_id = jobs.submit(mlp(metadata={"commit": "abc123"}))

    record = jobs.wait_for_end(job_id, timeout=PATIENCE)

    diagnosis = diagnosis_of(record)
    assert diagnosis.verdict == record.verdict
    assert diagnosis.runtime.steps == 30
    assert diagnosis.metadata == {"commit": "abc123"}
    path = artifacts.path(trace_name(job_id, 1))
    assert path is not None
    trace = Trace.load(path)
    assert len(trace.loss) == 30
    assert [layer.name for layer in diagnosis.layers] == [layer.name for layer in trace.layers]
    as_json = artifacts.path(trace_name(job_id, 1, ".json.gz"))
    assert as_json is not None
    assert len(json.loads(gzip.decompress(as_json.read_bytes()))["loss"]) == 30
    (scratch_of_worker,) = (worker_settings.data_dir / "scratch").iterdir()
    assert [entry.name for entry in scratch_of_worker.iterdir()] == ["lock"]


@pytest.mark.parametrize("attempt", ["none", pytest.param("auto", marks=pytest.mark.slow)])
def test_the_same_request_gives_the_same_findings(jobs: Jobs, attempt: str) -> None:
    submitted = [jobs.submit(mlp(depth=8, remedies={"try": attempt})) for _ in range(2)]
    first, second = (diagnosis_of(jobs.wait_for_end(job_id, timeout=PATIENCE)) for job_id in submitted)
    assert first.findings == second.findings, "with what is prescribed"
    assert first.layers == second.layers
    assert [trial.resolved for trial in first.trials] == [trial.resolved for trial in second.trials]


def test_a_network_that_diverges_to_nan_is_diagnosed(jobs: Jobs) -> None:
    diverging = mlp(
        data={"kind": "builtin", "name": "diabetes"}, training={"steps": 30, "learning_rate": 1e6}
    )
    record = jobs.wait_for_end(jobs.submit(diverging), timeout=PATIENCE)
    diagnosis = diagnosis_of(record)
    json.loads(record.diagnosis_json or "", parse_constant=pytest.fail)  # called for NaN and Infinity
    assert diagnosis.outcome.loss_last is None
    assert diagnosis.verdict == "unhealthy"


def test_a_job_that_is_cancelled_while_it_trains_ends_within_seconds(jobs: Jobs) -> None:
    job_id = jobs.submit(mlp(training={"steps": 100_000}))
    told = json.loads(jobs.wait_for_step(job_id, timeout=PATIENCE).progress_json or "{}")
    assert (told["phase"], told["steps"]) == ("training", 100_000)
    assert jobs.cancel(job_id) == "cancelling"
    assert jobs.wait_for_end(job_id, timeout=5).status == JobState.CANCELLED


def test_a_job_that_takes_too_long_says_how_far_it_came(jobs: Jobs) -> None:
    job_id = jobs.submit(mlp(training={"steps": 100_000}, limits={"wall_seconds": 2.0}))
    error = error_of(jobs.wait_for_end(job_id, timeout=PATIENCE))
    assert error["code"] == "timed_out"
    assert "limit of 2 seconds was reached at step" in error["detail"]


def test_a_network_larger_than_its_memory_limit_is_told_so(jobs: Jobs) -> None:
    wide = mlp(units=7000, training={"steps": 3, "optimizer": "adam"}, limits={"memory_mib": 512})
    error = error_of(jobs.wait_for_end(jobs.submit(wide), timeout=PATIENCE))
    assert error["code"] == "out_of_memory"
    assert "512 MiB" in error["detail"]


@pytest.mark.skipif(has_gpu(), reason="this machine has a GPU")
def test_a_job_that_needs_a_gpu_where_there_is_none_fails_clearly(jobs: Jobs) -> None:
    error = error_of(jobs.wait_for_end(jobs.submit(mlp(device="cuda")), timeout=PATIENCE))
    assert error["code"] == "device_unavailable"


def test_the_worker_itself_never_imports_torch(jobs: Jobs, running_worker: WorkerProcess) -> None:
    jobs.wait_for_end(jobs.submit(mlp()), timeout=PATIENCE)
    zygote = running_worker.family()[0]
    assert "libtorch" in str(zygote.memory_maps())
    assert "libtorch" not in str(type(zygote)(running_worker.pid).memory_maps())
