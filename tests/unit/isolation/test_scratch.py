"""Directories of jobs, of living workers and of dead ones."""

from pathlib import Path

from workers.scratch import LOCK, Scratch


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
