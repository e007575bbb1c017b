"""What a job that turns against its host can do: nothing, with all protections, and little with one."""

import os
import socket
from collections.abc import Callable
from pathlib import Path

import pytest

from service.contract.errors import ErrorCode
from tests.integration.isolation.conftest import INTRUDERS, LIMITS, Attempt, Run
from tests.support import intruders
from workers.isolation.confinement import landlock
from workers.isolation.confinement.identity import CAP_DAC_READ_SEARCH
from workers.isolation.confinement.policy import FOR_UPLOADS, NOBODY, Policy
from workers.isolation.limits import FILE_BYTES, MIB, SCRATCH_BYTES
from workers.isolation.watch import Failed, Succeeded

KNOWS_SIGNALS = 6
DENIED = {"EACCES", "EPERM", "EXDEV", "EROFS"}


@pytest.mark.parametrize("what", intruders.FILES)
def test_a_job_cannot_touch_files_outside_its_scratch_directory(
    attempt: Attempt, target: Path, what: str
) -> None:
    assert attempt(what) in DENIED
    assert [entry.name for entry in target.parent.iterdir()] == ["canary"]
    assert target.read_text() == "alive"
    assert target.stat().st_mode & 0o777 == 0o666


def test_a_job_can_do_inside_its_scratch_directory_what_it_likes(attempt: Attempt) -> None:
    assert attempt("write inside") == "done"


@pytest.mark.parametrize("what", intruders.LINKS)
def test_a_job_can_leave_nothing_but_files_and_folders(attempt: Attempt, what: str) -> None:
    assert attempt(what) in DENIED


@pytest.mark.parametrize("what", intruders.KERNEL)
def test_a_job_can_reach_no_network_no_process_and_no_rights(attempt: Attempt, what: str) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        assert attempt(what, Path(str(server.getsockname()[1]))) == "EPERM"


@pytest.mark.parametrize("what", intruders.FATAL)
def test_a_job_that_makes_a_system_call_which_only_an_attack_needs_is_ended(
    attempt: Attempt, what: str
) -> None:
    outcome = attempt(what)
    assert outcome.startswith("crashed")
    assert "SIGSYS: it made a forbidden system call" in outcome


GPU = Policy(cuda=True, required=frozenset(FOR_UPLOADS))


@pytest.mark.parametrize("what", intruders.FILES)
def test_a_job_that_may_use_a_gpu_cannot_touch_files_either(
    attempt: Attempt, target: Path, what: str
) -> None:
    assert attempt(what, policy=GPU) in DENIED
    assert target.read_text() == "alive"


@pytest.mark.parametrize("what", ["open a socket", "fork", "signal its parent", "have its parent signalled"])
def test_a_job_that_may_use_a_gpu_reaches_no_network_and_no_process_either(
    attempt: Attempt, what: str
) -> None:
    assert attempt(what, policy=GPU) == "EPERM"


@pytest.mark.parametrize("what", intruders.FATAL)
def test_a_job_that_may_use_a_gpu_makes_no_forbidden_call_either(attempt: Attempt, what: str) -> None:
    assert "SIGSYS" in attempt(what, policy=GPU)


def test_a_job_has_no_rights_beyond_an_ordinary_users(run: Run) -> None:
    ending = run(f"{INTRUDERS}:tell_rights")
    assert isinstance(ending, Succeeded), ending
    status = ending.diagnosis.metadata
    may_read_folders = 1 << CAP_DAC_READ_SEARCH  # kept if Python lies in root's own folder
    assert int(status["CapEff"][0], 16) in {0, may_read_folders}
    assert int(status["CapPrm"][0], 16) in {0, may_read_folders}
    assert status["CapInh"] == ["0000000000000000"]
    assert status["Uid"] == [str(os.geteuid() or NOBODY)] * 4
    assert status["Gid"] == [str(NOBODY if os.geteuid() == 0 else os.getegid())] * 4
    assert status["NoNewPrivs"] == ["1"]
    assert status["Seccomp"] == ["2"]


def test_an_uploaded_program_that_does_so_is_called_unsafe(attempt: Attempt) -> None:
    outcome = attempt("become another program", breach=ErrorCode.UNSAFE_CHECKPOINT)
    assert outcome.startswith("unsafe_checkpoint")


@pytest.mark.parametrize(
    ("protection", "what"),
    [
        *(("landlock", what) for what in intruders.FILES if what != "change a file's mode"),
        *(("landlock", what) for what in ("connect to a server", "signal its parent")),
        *(("seccomp", what) for what in (*intruders.LINKS, *intruders.KERNEL, *intruders.FATAL)),
        *(("unprivileged", what) for what in ("become root", "change its root", "open a raw socket")),
        ("network", "connect to a server"),
    ],
)
def test_each_protection_stops_by_itself_what_it_is_there_for(
    attempt: Attempt, possible_alone: Callable[[str], bool], target: Path, protection: str, what: str
) -> None:
    alone = Policy.model_validate({"protections": [protection]})
    if not possible_alone(protection):
        pytest.skip(f"{protection} is not possible here by itself")
    if protection == "landlock" and landlock.version() < KNOWS_SIGNALS:
        pytest.skip("this kernel's Landlock knows less")
    with socket.create_server(("127.0.0.1", 0)) as server:
        on = Path(str(server.getsockname()[1])) if what == "connect to a server" else target
        outcome = attempt(what, on, policy=alone)
    assert outcome in {*DENIED, "ENETUNREACH"} or "SIGSYS" in outcome


def test_without_protections_the_attempts_succeed(attempt: Attempt, target: Path) -> None:
    """Or the tests above would show nothing."""
    nothing = Policy(protections=frozenset())
    assert attempt("read a file", policy=nothing) == "done"
    assert attempt("overwrite a file", policy=nothing) == "done"
    assert target.read_text() == "intruder"
    for what in ("open a socket", "fork", "leave a symbolic link", "start a program by way of Python"):
        assert attempt(what, policy=nothing) == "done"


def test_a_job_does_not_run_without_a_protection_that_is_required(run: Run) -> None:
    lacking = Policy.model_validate({"protections": ["seccomp"], "required": ["landlock"]})
    ending = run(f"{INTRUDERS}:attempt", lacking, attempt="write inside", target="/")
    assert isinstance(ending, Failed)
    assert ending.error.code == ErrorCode.INTERNAL
    assert "not confined as required: landlock: switched off" in ending.log


def test_a_job_cannot_reach_its_neighbours_scratch_directory(
    attempt: Attempt, scratch: Path, target: Path
) -> None:
    neighbours = scratch.with_name("neighbours")
    neighbours.mkdir()
    result = neighbours / "trace.npz"
    result.write_text("measurements")
    for path in (neighbours, result):
        path.chmod(0o777)
    for what in ("read a file", "overwrite a file", "list a folder", "delete a file"):
        assert attempt(what, result) in DENIED
    assert result.read_text() == "measurements"


def test_a_file_beyond_the_limit_ends_the_job(attempt: Attempt) -> None:
    outcome = attempt("write a large file")
    assert outcome.startswith("crashed")
    assert f"wrote a file of more than {FILE_BYTES // MIB} MiB" in outcome


def test_a_job_that_starts_too_many_threads_is_ended(attempt: Attempt) -> None:
    roomy = LIMITS.model_copy(update={"bound_data": False})
    outcome = attempt("start many threads", limits=roomy)
    assert outcome.startswith("crashed")
    assert "threads" in outcome


@pytest.mark.slow
def test_files_beyond_the_limit_in_all_end_the_job(attempt: Attempt) -> None:
    outcome = attempt("write many files")
    assert outcome.startswith("crashed")
    assert f"wrote more than {SCRATCH_BYTES // MIB} MiB of files" in outcome


def test_a_job_that_prints_without_end_fills_neither_disk_nor_memory(run: Run, scratch: Path) -> None:
    brief = LIMITS.model_copy(update={"wall_seconds": 1.0})
    ending = run(f"{INTRUDERS}:attempt", limits=brief, attempt="print without end", target="/")
    assert isinstance(ending, Failed)
    assert ending.error.code == ErrorCode.TIMED_OUT
    assert "all work and no play" in ending.log
    assert len(ending.log) < 64_000
    assert {entry.name for entry in scratch.iterdir()} == {"request.json"}
