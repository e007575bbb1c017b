"""What a job may use, from the request, the worker's settings and the machine."""

import resource
from pathlib import Path

import psutil
import pytest

from service.contract.job import JobRequest
from workers import machine
from workers.isolation.limits import MIB, lower, resident_bytes
from workers.settings import WorkerSettings


def request(**changes: object) -> JobRequest:
    return JobRequest.model_validate(
        {
            "model": {"kind": "spec", "layers": [{"op": "linear", "units": "targets"}]},
            "data": {"kind": "builtin", "name": "iris"},
            **changes,
        }
    )


def test_a_job_gets_the_memory_it_asks_for_up_to_what_the_worker_allows() -> None:
    settings = WorkerSettings(memory_mib=1024)
    assert settings.limits_of(request()).memory_bytes == 1024 * MIB
    assert settings.limits_of(request(limits={"memory_mib": 600})).memory_bytes == 600 * MIB
    assert settings.limits_of(request(limits={"memory_mib": 4096})).memory_bytes == 1024 * MIB


def test_by_default_a_job_may_use_most_of_the_machine_and_all_its_cores() -> None:
    limits = WorkerSettings().limits_of(request())
    assert 0.5 < limits.memory_bytes / machine.memory_bytes() < 1
    assert limits.threads == machine.available_cores()


def test_a_containers_limits_count_where_they_are_lower(tmp_path: Path) -> None:
    (tmp_path / "cpu.max").write_text("100000 100000\n")
    (tmp_path / "memory.max").write_text(f"{512 * MIB}\n")
    assert machine.available_cores(tmp_path) == 1
    assert machine.memory_bytes(tmp_path) == 512 * MIB


@pytest.mark.parametrize("quota", ["max 100000", "", "nonsense"])
def test_a_container_without_limits_has_the_machine(tmp_path: Path, quota: str) -> None:
    (tmp_path / "cpu.max").write_text(quota)
    (tmp_path / "memory.max").write_text("max")
    assert machine.available_cores(tmp_path) >= 1
    assert machine.memory_bytes(tmp_path) == psutil.virtual_memory().total


def test_a_limit_is_never_raised_above_what_the_process_was_given(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bound: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "getrlimit", lambda _: (50, 100))
    monkeypatch.setattr(resource, "setrlimit", bound.__setitem__)

    lower(resource.RLIMIT_CORE, 0)
    lower(resource.RLIMIT_CPU, 90, 120)
    lower(resource.RLIMIT_DATA, 2**40)

    assert bound == {
        resource.RLIMIT_CORE: (0, 0),
        resource.RLIMIT_CPU: (90, 100),
        resource.RLIMIT_DATA: (100, 100),
    }


def test_a_process_that_is_gone_uses_no_memory() -> None:
    assert resident_bytes(2**22 + 1) == 0
