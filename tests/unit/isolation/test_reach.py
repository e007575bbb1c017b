"""Which files a job may read, and how its confinement is chosen."""

from pathlib import Path

import pytest

from service.contract.job import JobRequest
from tests.support.requests import job_request
from tests.unit.isolation.conftest import ROOT
from workers import machine
from workers.isolation.confinement import reach
from workers.isolation.confinement.policy import ConfinementError, Policy, Protections
from workers.settings import WorkerSettings


@pytest.mark.parametrize("cuda", [False, True])
def test_what_lies_beside_the_code_or_in_a_home_is_not_readable(cuda: bool) -> None:
    private = [
        ROOT / ".gradient-clinic" / "artifacts",
        ROOT / "tests",
        Path.home() / ".ssh",
        Path("/etc/shadow"),
        Path("/proc/1/environ"),
    ]
    for path in reach.readable(cuda=cuda):
        assert not any(secret.is_relative_to(path) for secret in private), path


def test_a_job_is_confined_by_all_that_the_worker_found_in_force() -> None:
    request = JobRequest.model_validate(job_request())
    found = Protections(missing={"network": "Operation not permitted"})
    policy = WorkerSettings(job_user=12345).confinement_of(request, found)
    assert policy.user == 12345
    assert policy.required == {"landlock", "seccomp", "unprivileged"}
    policy.insist(found)
    with pytest.raises(ConfinementError, match="seccomp: gone"):
        policy.insist(Protections(missing={"seccomp": "gone"}))


@pytest.mark.parametrize(
    ("device", "gpu", "cuda"), [("auto", True, True), ("cpu", True, False), ("auto", False, False)]
)
def test_a_job_reaches_the_gpu_only_if_it_may_use_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, device: str, gpu: bool, cuda: bool
) -> None:
    (tmp_path / "gpu").touch()
    monkeypatch.setattr(machine, "GPU_DEVICES", (str(tmp_path / "gpu"),) if gpu else ())
    request = JobRequest.model_validate(job_request(device=device))
    assert WorkerSettings().confinement_of(request, Protections()).cuda is cuda


def test_a_policy_requires_nothing_by_itself() -> None:
    Policy().insist(Protections(missing={"landlock": "none", "seccomp": "none"}))
