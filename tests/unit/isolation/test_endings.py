"""How a child can end, and what its job's sender is told."""

import re
import signal
import time

import pytest

from service.contract.errors import ErrorCode
from service.contract.job import Progress
from tests.support.waiting import wait_until
from tests.unit.isolation.conftest import LIMITS, Follow, Spawn
from workers.isolation.limits import MIB
from workers.isolation.messages import Report
from workers.isolation.watch import Ending, Failed, Stop, Stopped, Succeeded, Watch


def failure(ending: Ending, code: ErrorCode) -> str:
    """The detail of a failure, which must have the code."""
    assert isinstance(ending, Failed)
    assert ending.error.code == code
    return ending.error.detail


def test_a_diagnosis_arrives_with_the_progress_before_it(follow: Follow) -> None:
    heard: list[Progress] = []

    ending = follow("succeed", pulse=lambda news: heard.append(news) if news else None)

    assert isinstance(ending, Succeeded)
    assert ending.diagnosis.verdict == "healthy"
    assert [progress.step for progress in heard] in ([7], [])


@pytest.mark.parametrize(
    ("entry", "signal_name"), [("kill_itself", "SIGKILL"), ("read_address_zero", "SIGSEGV")]
)
def test_a_child_that_a_signal_ends_crashed_with_its_name(
    follow: Follow, entry: str, signal_name: str
) -> None:
    assert signal_name in failure(follow(entry), ErrorCode.CRASHED)


def test_a_sigkill_that_is_not_ours_is_put_down_to_the_kernel(follow: Follow) -> None:
    assert "out-of-memory killer" in failure(follow("kill_itself"), ErrorCode.CRASHED)


def test_a_child_that_exits_without_a_result_crashed(follow: Follow) -> None:
    assert "exit status 3" in failure(follow("exit_early"), ErrorCode.CRASHED)


def test_the_wall_clock_limit_names_itself_and_the_step_reached(follow: Follow) -> None:
    limits = LIMITS.model_copy(update={"wall_seconds": 0.4})
    detail = failure(follow("train_for_ever", limits), ErrorCode.TIMED_OUT)
    assert re.search(r"0\.4 seconds .* at step \d+ of 1000", detail)


def test_cpu_time_is_bounded_even_when_nobody_watches_the_clock(follow: Follow) -> None:
    limits = LIMITS.model_copy(update={"cpu_seconds": 1})
    assert "CPU time" in failure(follow("spin", limits), ErrorCode.TIMED_OUT)


def test_a_child_that_gives_no_sign_of_life_stalled(follow: Follow) -> None:
    detail = failure(follow("hang", stall=0.5), ErrorCode.STALLED)
    assert "0.5 seconds, at step 3 of 1000" in detail
    assert "never ends" in detail
    assert not ErrorCode.STALLED.retryable  # an operation without end would be tried without end


def test_one_allocation_beyond_the_limit_is_refused_by_the_kernel(follow: Follow) -> None:
    assert "256 MiB" in failure(follow("allocate_at_once"), ErrorCode.OUT_OF_MEMORY)


def test_memory_that_grows_beyond_the_limit_ends_the_child(follow: Follow) -> None:
    limits = LIMITS.model_copy(update={"bound_data": False, "memory_bytes": 128 * MIB})
    assert "used more than its limit of 128 MiB" in failure(
        follow("allocate_slowly", limits), ErrorCode.OUT_OF_MEMORY
    )


def test_torch_running_out_of_memory_is_told_as_that(follow: Follow) -> None:
    failure(follow("fail_to_allocate_a_tensor"), ErrorCode.OUT_OF_MEMORY)


def test_what_the_model_is_to_blame_for_is_told_in_its_own_words(follow: Follow) -> None:
    detail = failure(follow("blame_the_model"), ErrorCode.MODEL_INVALID)
    assert detail == "layer 3 does not fit layer 4"


def test_an_unexpected_exception_shows_the_client_a_number_and_the_log_the_stack(follow: Follow) -> None:
    ending = follow("raise_unexpectedly")

    detail = failure(ending, ErrorCode.INTERNAL)
    incident = re.search(r"incident (\w{12})", detail)
    assert incident is not None
    assert "secret" not in detail
    assert "ZeroDivisionError" not in detail
    assert isinstance(ending, Failed)
    assert incident[1] in ending.log
    assert "ZeroDivisionError: the secret of the stack" in ending.log


@pytest.mark.parametrize("entry", ["talk_nonsense", "talk_without_end"])
def test_a_child_that_does_not_keep_to_the_protocol_is_ended(spawn: Spawn, entry: str) -> None:
    child = spawn(entry)

    ending = Watch(child, LIMITS, 30.0).follow(lambda _: None)

    failure(ending, ErrorCode.INTERNAL)
    assert child.join(0) == -signal.SIGKILL


@pytest.mark.parametrize("why", list(Stop))
def test_a_child_nobody_wants_any_more_is_killed_at_once(spawn: Spawn, why: Stop) -> None:
    child = spawn("train_for_ever")
    began = time.monotonic()

    ending = Watch(child, LIMITS, 30.0).follow(lambda news: why if news else None)

    assert ending == Stopped(why)
    assert child.join(0) == -signal.SIGKILL
    assert time.monotonic() - began < 5


def test_a_stopped_child_is_killed_too(spawn: Spawn) -> None:
    child = spawn("train_for_ever")
    wait_until(lambda: any(isinstance(message, Report) for message in child.wait(1.0)))
    child.kill(signal.SIGSTOP)
    assert isinstance(Watch(child, LIMITS, 0.5).follow(lambda _: None), Failed)
    assert child.join(0) == -signal.SIGKILL
