"""Jobs that fail: each ends alone, with a clear code, and its worker takes the next one."""

import signal
from pathlib import Path

import pytest

from service.contract.job import JobState
from service.store.settings import StoreSettings
from tests.faults.conftest import Faulty
from tests.support.waiting import wait_until
from tests.support.workers import Jobs, error_of, worker

ENDINGS = {
    "kill_itself": "crashed",
    "read_address_zero": "crashed",
    "exit_early": "crashed",
    "allocate_at_once": "out_of_memory",
    "blame_the_model": "model_invalid",
    "raise_unexpectedly": "internal",
    "talk_nonsense": "internal",
}


def test_a_worker_survives_every_way_in_which_a_job_can_fail(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings
) -> None:
    with worker(store_settings) as survivor:
        submitted = {entry: jobs.submit(faulty(entry, memory_mib=512)) for entry in ENDINGS}
        hung = jobs.submit(faulty("hang", wall_seconds=0.5))
        last = jobs.submit(faulty("succeed"))

        assert jobs.wait_for_end(last).status == JobState.SUCCEEDED
        ended = {entry: error_of(jobs.record(job_id)) for entry, job_id in submitted.items()}
        assert {entry: error["code"] for entry, error in ended.items()} == ENDINGS
        assert "SIGSEGV" in ended["read_address_zero"]["detail"]
        assert error_of(jobs.record(hung))["code"] == "timed_out"
        assert {jobs.record(job_id).attempt for job_id in submitted.values()} == {1}
        assert "the secret of the stack" not in str(ended)
        assert "the secret of the stack" in survivor.log()


def test_a_job_process_killed_from_outside_ends_only_its_job(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings
) -> None:
    with worker(store_settings) as survivor:
        job_id = jobs.submit(faulty("train_for_ever"))
        jobs.wait_for_step(job_id)
        survivor.job_process().send_signal(signal.SIGKILL)
        error = error_of(jobs.wait_for_end(job_id))
        assert (error["code"], error["retryable"]) == ("crashed", False)
        assert "SIGKILL" in error["detail"]
        assert jobs.wait_for_end(jobs.submit(faulty("succeed"))).status == JobState.SUCCEEDED


def test_a_lost_zygote_costs_an_attempt_and_no_more(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings) as survivor:
        job_id = jobs.submit(faulty("train_until_released"))
        jobs.wait_for_step(job_id)
        survivor.family()[0].kill()
        wait_until(lambda: jobs.record(job_id).attempt == 2)
        assert jobs.wait_for_step(job_id, attempt=2)
        release.touch()
        assert jobs.wait_for_end(job_id).status == JobState.SUCCEEDED


@pytest.mark.parametrize("entry", ["train_for_ever", "hang", "spin"])
def test_a_cancelled_job_ends_within_seconds_whatever_it_does(
    jobs: Jobs, faulty: Faulty, store_settings: StoreSettings, entry: str
) -> None:
    with worker(store_settings) as survivor:
        job_id = jobs.submit(faulty(entry))
        child = survivor.job_process()
        assert jobs.cancel(job_id) == "cancelling"
        assert jobs.wait_for_end(job_id, timeout=5).status == JobState.CANCELLED
        assert not child.is_running()
