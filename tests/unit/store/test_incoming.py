"""Files that arrive: kept whole under a name, or gone."""

import errno
import hashlib
import os
import resource
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.store.artifacts import ArtifactStore, new_upload_name
from service.store.errors import InvalidArtifactNameError
from tests.support.uploads import upload_id, write_upload

HOUR = 3600.0


@pytest.fixture
def artifacts(tmp_path: Path) -> ArtifactStore:
    return ArtifactStore(tmp_path)


def files(folder: Path) -> list[Path]:
    return [path for path in folder.rglob("*") if path.is_file()]


def age(path: Path, seconds: float) -> None:
    modified = path.stat().st_mtime - seconds
    os.utime(path, (modified, modified))


@contextmanager
def files_of_at_most(size: int) -> Iterator[None]:
    """The kernel refuses to let any file of this process grow larger, as a full disk would."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_file_is_hashed_while_it_arrives_and_kept_under_its_name(
    artifacts: ArtifactStore, tmp_path: Path
) -> None:
    blocks = [os.urandom(100_000) for _ in range(3)]
    with artifacts.incoming() as file:
        for block in blocks:
            file.write([block])
        assert file.sha256 == hashlib.sha256(b"".join(blocks)).hexdigest()
        assert file.size == 300_000
        name = new_upload_name(file.sha256)
        assert artifacts.path(name) is None
        artifacts.keep(file, name)

    kept = artifacts.path(name)
    assert kept is not None
    assert kept.read_bytes() == b"".join(blocks)
    assert files(tmp_path) == [kept]


def test_a_file_that_is_not_kept_is_gone(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with artifacts.incoming() as file:
        file.write([b"half of it"])
        assert len(files(tmp_path)) == 1
    assert files(tmp_path) == []
    file.discard()  # twice is fine
    with pytest.raises(OSError, match="discarded"):
        file.write([b"a thread that comes late"])


def test_discarding_waits_for_a_write_that_is_under_way(artifacts: ArtifactStore, tmp_path: Path) -> None:
    file = artifacts.incoming()
    refusals: list[OSError] = []

    def write() -> None:
        block = bytes(2**20)
        while not refusals:
            try:
                file.write([block])
            except OSError as refusal:
                refusals.append(refusal)

    writer = threading.Thread(target=write)
    writer.start()
    file.discard()
    writer.join(10)
    assert [str(refusal) for refusal in refusals] == ["the file was discarded"]
    assert files(tmp_path) == []


def test_a_disk_without_room_leaves_nothing(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with files_of_at_most(2**20), artifacts.incoming() as file:
        file.write([bytes(2**20)])
        with pytest.raises(OSError, match="too large") as refused:
            file.write([bytes(2**20)])
    assert refused.value.errno == errno.EFBIG
    assert files(tmp_path) == []


def test_a_name_that_leads_elsewhere_is_refused(artifacts: ArtifactStore, tmp_path: Path) -> None:
    with artifacts.incoming() as file:
        file.write([b"x"])
        with pytest.raises(InvalidArtifactNameError):
            artifacts.keep(file, "../outside")
        with pytest.raises(InvalidArtifactNameError):
            artifacts.delete(".incoming/x")
    assert files(tmp_path) == []


def test_the_last_file_of_a_content_goes_with_its_folder(artifacts: ArtifactStore, tmp_path: Path) -> None:
    first, second = write_upload(artifacts, b"same"), write_upload(artifacts, b"same")
    assert first != second
    artifacts.delete(first)
    artifacts.delete(first)  # twice is fine
    assert artifacts.path(second) is not None
    artifacts.delete(second)
    assert list((tmp_path / "uploads").iterdir()) == []


def test_uploads_and_deletions_of_one_content_at_once_lose_nothing(artifacts: ArtifactStore) -> None:
    def come_and_go() -> None:
        for _ in range(100):
            artifacts.delete(write_upload(artifacts, b"same"))

    helpers = [threading.Thread(target=come_and_go) for _ in range(3)]
    for helper in helpers:
        helper.start()
    kept = [write_upload(artifacts, b"same") for _ in range(50)]
    for helper in helpers:
        helper.join()
    assert {name for _, name in artifacts.old_uploads(0)} == set(kept)


def test_old_uploads_are_found_by_their_age(artifacts: ArtifactStore, tmp_path: Path) -> None:
    old, young = write_upload(artifacts, b"old"), write_upload(artifacts, b"young")
    age(tmp_path / old, HOUR + 1)
    assert artifacts.old_uploads(HOUR) == [(upload_id(b"old"), old)]
    assert {name for _, name in artifacts.old_uploads(0)} == {old, young}


def test_what_is_no_upload_of_ours_is_left_alone(artifacts: ArtifactStore, tmp_path: Path) -> None:
    for name in ("lost+found/x", "README", f"{'0' * 64}/.hidden"):
        path = tmp_path / "uploads" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    assert artifacts.old_uploads(0) == []


def test_files_that_broke_off_are_deleted_once_nobody_can_still_be_sending(
    artifacts: ArtifactStore, tmp_path: Path
) -> None:
    broken_off, arriving = artifacts.incoming(), artifacts.incoming()
    arriving.write([b"x" * 2**20])
    age(next(path for path in files(tmp_path) if path.stat().st_size == 0), HOUR + 1)
    assert artifacts.delete_old_incoming(HOUR) == 1
    assert [path.stat().st_size for path in files(tmp_path)] == [2**20]
    for file in (broken_off, arriving):
        file.discard()


def test_an_empty_store_has_no_uploads(artifacts: ArtifactStore) -> None:
    assert artifacts.old_uploads(0) == []
    assert artifacts.delete_old_incoming(0) == 0
