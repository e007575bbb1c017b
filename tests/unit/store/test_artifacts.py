"""Files of jobs: whole or not at all, and never outside their folder."""

from pathlib import Path

import pytest

from service.store.artifacts import ArtifactStore, trace_name
from service.store.errors import InvalidArtifactNameError
from service.store.ids import new_job_id

JOB_ID = new_job_id()
BAD_NAMES = [
    "",
    "/etc/passwd",
    "..",
    "../x",
    "jobs/../../x",
    "jobs//x",
    "jobs/.hidden",
    "jobs/x/",
    "./x",
    "jobs/a\\b",
    "jobs/a\0b",
    "jobs/a\n",
    "jobs/é",
    "jobs/" + "a" * 200,
    "a/" * 20 + "a",
    "~/x",
]


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path / "artifacts")


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(b"measured" * 1000)
    return path


def test_a_file_is_kept_under_its_name(artifacts: ArtifactStore, source: Path) -> None:
    name = trace_name(JOB_ID, 1)
    assert artifacts.path(name) is None

    put = artifacts.put_file(name, source)

    assert artifacts.path(name) == put
    assert put.read_bytes() == source.read_bytes()
    assert [path.name for path in put.parent.iterdir()] == ["trace-1.npz"]


def test_a_file_can_be_replaced_under_a_reader(artifacts: ArtifactStore, source: Path) -> None:
    name = trace_name(JOB_ID, 1)
    put = artifacts.put_file(name, source)
    with put.open("rb") as reader:
        source.write_bytes(b"new")
        artifacts.put_file(name, source)
        assert reader.read() == b"measured" * 1000

    assert put.read_bytes() == b"new"


def test_a_put_that_fails_leaves_the_old_file_and_no_other(
    artifacts: ArtifactStore, source: Path, tmp_path: Path
) -> None:
    name = trace_name(JOB_ID, 1)
    put = artifacts.put_file(name, source)

    with pytest.raises(FileNotFoundError):
        artifacts.put_file(name, tmp_path / "missing")
    with pytest.raises(IsADirectoryError):
        artifacts.put_file(name, tmp_path)
    with pytest.raises(IsADirectoryError):  # found out at the very end only
        artifacts.put_file(f"jobs/{JOB_ID}", source)

    assert put.read_bytes() == source.read_bytes()
    assert [path for path in (tmp_path / "artifacts").rglob("*") if path.is_file()] == [put]


@pytest.mark.parametrize("name", BAD_NAMES)
def test_a_name_that_could_lead_elsewhere_is_refused(
    artifacts: ArtifactStore, source: Path, tmp_path: Path, name: str
) -> None:
    before = sorted(tmp_path.rglob("*"))

    with pytest.raises(InvalidArtifactNameError):
        artifacts.put_file(name, source)
    with pytest.raises(InvalidArtifactNameError):
        artifacts.path(name)

    assert sorted(tmp_path.rglob("*")) == before


def test_a_folder_is_no_artifact(artifacts: ArtifactStore, source: Path) -> None:
    artifacts.put_file(trace_name(JOB_ID, 1), source)

    assert artifacts.path(f"jobs/{JOB_ID}") is None


def test_deleting_a_job_deletes_its_files_only(artifacts: ArtifactStore, source: Path) -> None:
    other = new_job_id()
    for job_id in (JOB_ID, other):
        artifacts.put_file(trace_name(job_id, 1), source)
        artifacts.put_file(trace_name(job_id, 2, ".json.gz"), source)
    assert set(artifacts.job_ids()) == {JOB_ID, other}

    artifacts.delete_job(JOB_ID)
    artifacts.delete_job(JOB_ID)  # twice is fine

    assert set(artifacts.job_ids()) == {other}
    assert artifacts.path(trace_name(other, 2, ".json.gz")) is not None


@pytest.mark.parametrize("job_id", ["", ".", "..", "../jobs", "/", "job_x"])
def test_only_a_job_can_be_deleted(artifacts: ArtifactStore, source: Path, job_id: str) -> None:
    artifacts.put_file(trace_name(JOB_ID, 1), source)

    with pytest.raises(InvalidArtifactNameError):
        artifacts.delete_job(job_id)

    assert set(artifacts.job_ids()) == {JOB_ID}


def test_an_empty_store_has_no_jobs(artifacts: ArtifactStore) -> None:
    assert list(artifacts.job_ids()) == []
