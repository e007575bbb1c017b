"""What a child finds around it, and what becomes of it when those above it die."""

import os
import signal
import threading
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support.waiting import wait_until
from tests.unit.isolation.conftest import LIMITS, ROOT, Follow, Spawn
from workers.isolation.child import REQUEST_FILE, ChildSpec
from workers.isolation.environment import clean_environment
from workers.isolation.limits import CPU_GRACE_SECONDS, MIB
from workers.isolation.process import Zygote, ZygoteLostError
from workers.isolation.watch import Succeeded, Watch


def circumstances(follow: Follow) -> dict[str, Any]:
    ending = follow("tell_circumstances")
    assert isinstance(ending, Succeeded)
    return ending.diagnosis.metadata


def test_a_child_finds_no_secret_in_its_environment(follow: Follow) -> None:
    environment = circumstances(follow)["environment"]
    assert "REDIS_URL" not in environment
    assert "AWS_SECRET_ACCESS_KEY" not in environment
    assert environment["MALLOC_TRIM_THRESHOLD_"]


def test_only_named_variables_are_passed_on() -> None:
    given = {"PATH": "/bin", "CUDA_VISIBLE_DEVICES": "1", "REDIS_URL": "x", "GITHUB_TOKEN": "y"}
    assert clean_environment(given).keys() & given.keys() == {"PATH", "CUDA_VISIBLE_DEVICES"}


def test_a_child_has_no_file_open_but_its_streams_and_its_channel(follow: Follow) -> None:
    descriptors = circumstances(follow)["descriptors"]
    assert len(descriptors) == len(["stdin", "stdout", "stderr", "channel", "/proc/self/fd itself"])


def test_a_child_works_in_its_scratch_directory_where_the_request_lies(
    follow: Follow, tmp_path: Path
) -> None:
    found = circumstances(follow)
    assert found["directory"] == found["environment"]["TMPDIR"] == str(tmp_path)
    assert found["request"] == '{"metadata": {}}'


def test_a_child_has_a_session_of_its_own(follow: Follow) -> None:
    assert circumstances(follow)["session"] is True


def test_a_child_is_bound_for_good(follow: Follow) -> None:
    limits = circumstances(follow)["limits"]
    assert limits["CORE"] == [0, 0]
    assert limits["CPU"][0] == 30 * 1 + CPU_GRACE_SECONDS
    assert LIMITS.memory_bytes < limits["DATA"][0] < LIMITS.memory_bytes + 1024 * MIB
    assert all(0 <= hard < 2**40 for _, hard in limits.values())


def test_children_run_side_by_side(spawn: Spawn) -> None:
    first, second = spawn("train_for_ever"), spawn("train_for_ever")
    wait_until(lambda: first.wait(0.1) and second.wait(0.1))
    assert first.pid != second.pid


def test_children_die_with_the_zygote_and_the_next_request_starts_a_new_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONPATH", str(ROOT))
    (tmp_path / REQUEST_FILE).write_text('{"metadata": {}}')
    spec = ChildSpec(entry="tests.faults.entries:train_for_ever", scratch=tmp_path, limits=LIMITS)
    zygote = Zygote()
    try:
        with zygote.spawn(spec) as child:
            wait_until(lambda: child.wait(0.1))
            assert child.pid is not None
            assert zygote.pid is not None
            os.kill(zygote.pid, signal.SIGKILL)
            with pytest.raises(ZygoteLostError):
                Watch(child, LIMITS, 30.0).follow(lambda _: None)
            wait_until(lambda: not alive(child.pid))
        with zygote.spawn(spec) as child:
            assert wait_until(lambda: child.wait(0.1))
    finally:
        zygote.close()


def test_the_zygote_dies_with_the_thread_that_started_it() -> None:
    zygote, end = Zygote(), threading.Event()
    thread = threading.Thread(target=lambda: (zygote.start(), end.wait()))
    thread.start()
    try:
        wait_until(lambda: zygote.pid)
        assert serves(zygote)
        end.set()
        wait_until(lambda: not alive(zygote.pid))
    finally:
        end.set()
        thread.join()
        zygote.close()


def test_a_zygote_that_has_everything_imported_still_runs_one_thread() -> None:
    """A child of one that runs more may hang: only the thread that forks exists in it."""
    zygote = Zygote(["workers.warm"])
    try:
        zygote.start()
        assert zygote.pid is not None
        process = psutil.Process(zygote.pid)
        wait_until(lambda: serves(zygote), timeout=60)
        assert process.num_threads() == 1
    finally:
        zygote.close()


def serves(zygote: Zygote) -> bool:
    """Whether it has imported all: it then answers, if only to say that there is no such job."""
    spec = ChildSpec(entry="nothing:at_all", scratch=Path("/"), limits=LIMITS)
    with zygote.spawn(spec) as child:
        wait_until(lambda: child.wait(0.1) or child.ended, timeout=60)
    return True


def alive(pid: int | None) -> bool:
    """Whether a process runs; one that died and that nobody has waited for does not."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False
