"""Directories of jobs, of living workers and of dead ones."""

import os
from pathlib import Path

from workers.scratch import LOCK, Scratch, open_result


def test_each_attempt_gets_an_empty_directory_that_is_gone_after_it(tmp_path: Path) -> None:
    with Scratch(tmp_path / "scratch") as scratch:
        with scratch.directory() as first:
            (first / "large").write_bytes(b"x")
            (first / "nested").mkdir()
            with scratch.directory() as second:
                assert not list(second.iterdir())
        assert not first.exists()


def test_a_starting_worker_removes_directories_of_dead_workers_only(tmp_path: Path) -> None:
    dead = tmp_path / "worker-dead"
    dead.mkdir()
    (dead / LOCK).touch()
    (dead / "job-1").mkdir()
    starting = tmp_path / "worker-starting"  # it has not locked anything yet
    starting.mkdir()
    foreign = tmp_path / "notes.txt"
    foreign.touch()

    with Scratch(tmp_path) as living, living.directory() as in_use, Scratch(tmp_path):
        assert in_use.is_dir()
        assert not dead.exists()
        assert starting.is_dir()
        assert foreign.exists()


def test_a_worker_that_ends_leaves_nothing(tmp_path: Path) -> None:
    with Scratch(tmp_path), Scratch(tmp_path):
        assert len(list(tmp_path.iterdir())) == 2
    assert not list(tmp_path.iterdir())


def test_a_result_is_opened_only_if_it_is_an_ordinary_file_of_the_jobs_own(tmp_path: Path) -> None:
    elsewhere = tmp_path / "secret"
    elsewhere.write_bytes(b"secret")
    (tmp_path / "symbolic").symlink_to(elsewhere)
    (tmp_path / "hard").hardlink_to(elsewhere)
    os.mkfifo(tmp_path / "pipe")
    (tmp_path / "folder").mkdir()
    (tmp_path / "result").write_bytes(b"measurements")
    for name in ("symbolic", "hard", "pipe", "folder", "absent"):
        assert open_result(tmp_path / name) is None
    result = open_result(tmp_path / "result")
    assert result is not None
    with result:
        assert result.read() == b"measurements"
