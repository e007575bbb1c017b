"""What a confined job must still be able to do: train."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.isolation.conftest import LIMITS, Run, started
from workers.isolation.confinement.policy import Policy
from workers.isolation.limits import MIB
from workers.isolation.process import Zygote
from workers.isolation.watch import Succeeded

JOBS = "tests.support.confined_jobs"
ROOMY = LIMITS.model_copy(update={"memory_bytes": 2048 * MIB})


@pytest.fixture(scope="module")
def zygote() -> Iterator[Zygote]:
    yield from started(JOBS)


@pytest.mark.parametrize("network", ["dense", "convolution", "recurrent"])
@pytest.mark.parametrize("threads", [1, 2])
def test_a_confined_job_trains(run: Run, scratch: Path, network: str, threads: int) -> None:
    ending = run(f"{JOBS}:train", limits=ROOMY, network=network, threads=threads)
    assert isinstance(ending, Succeeded), ending
    told = ending.diagnosis.metadata
    assert told["last"] < told["first"]
    assert (scratch / "network.pt").stat().st_size > 0


def test_a_job_that_may_use_a_gpu_trains(run: Run) -> None:
    ending = run(f"{JOBS}:train", Policy(cuda=True), limits=ROOMY, network="convolution", threads=1)
    assert isinstance(ending, Succeeded), ending


def test_a_confined_job_loads_the_data_sets_that_come_with_the_libraries(run: Run) -> None:
    ending = run(f"{JOBS}:load_every_data_set", limits=ROOMY)
    assert isinstance(ending, Succeeded), ending
    assert all(ending.diagnosis.metadata.values())


def test_a_job_reads_the_files_that_it_is_given_and_no_others(run: Run, tmp_path: Path) -> None:
    for name in ("checkpoint", "dataset"):
        (tmp_path / name).write_text(f"a {name}")
        (tmp_path / name).chmod(0o600)
    files = {name: tmp_path / name for name in ("checkpoint", "dataset")}
    ending = run(f"{JOBS}:read_files", limits=ROOMY, files=files)
    assert isinstance(ending, Succeeded), ending
    assert ending.diagnosis.metadata == {
        "checkpoint": "a checkpoint",
        "dataset": "a dataset",
        "another": "not there",
    }


def test_what_a_library_warns_of_does_no_harm(run: Run) -> None:
    assert isinstance(run(f"{JOBS}:warn", limits=ROOMY), Succeeded)
