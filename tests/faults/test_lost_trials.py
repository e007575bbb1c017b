"""Workers that are killed, frozen or stopped while a job has trials made."""

import signal
from pathlib import Path

from service.contract.job import JobState
from service.store import commands, trial_commands
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.faults.trying import WORKER, gathered, statuses, trying, wait_for_running
from tests.support.jobs import LEASE_MS
from tests.support.waiting import wait_until
from tests.support.workers import Jobs, WorkerProcess, worker
from workers.remedies.messages import TrialFailed


def test_a_trial_whose_worker_was_killed_is_made_again_and_the_job_succeeds_once(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER) as first, worker(store_settings, WORKER) as second:
        job_id = jobs.submit(trying(release, 4, trial="when_released"))
        wait_for_running(jobs, job_id, 2)
        first.send(signal.SIGKILL)
        first.wait()
        release.touch()

        record = jobs.wait_for_end(job_id, reaping=True)

        assert (record.status, record.attempt) == (JobState.SUCCEEDED, 1)
        assert gathered(record)["numbers"] == [0, 1, 2, 3]
        assert [result["kind"] for result in gathered(record)["results"]] == ["done"] * 4
        assert second.log().count("job finished") == 1


def test_a_job_goes_on_although_its_last_trials_worker_died_before_it_could_say_so(
    store: BlockingJobStore, jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    # Given a job whose trials wait, and no worker
    soon = store_settings.model_copy(update={"resend_seconds": 0.2})
    client = Jobs(store, soon)
    with worker(store_settings, WORKER) as lost:
        job_id = client.submit(trying(release, 1, trial="when_released"))
        wait_for_running(client, job_id)
        lost.send(signal.SIGKILL)
        lost.wait()
    trial = wait_until(lambda: [unit for unit in client.reap() if trial_commands.is_trial(unit)])[0]

    # When a worker makes the last one, and dies before it sends the job's message
    claim = store.execute(commands.claim(trial, "doomed", LEASE_MS))
    assert claim is not None
    result = TrialFailed(reason="made by hand").model_dump_json()
    assert store.execute(trial_commands.finish_trial(trial, claim.attempt, result)) == "gather"

    # Then the reaper sends it
    with worker(store_settings, WORKER):
        record = client.wait_for_end(job_id, reaping=True)
    client.close()
    assert gathered(record)["results"][0]["reason"] == "made by hand"


def test_a_worker_killed_while_it_gathers_costs_no_trial(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    request = trying(release, 2, **{"gathering waits": True})
    with worker(store_settings, WORKER) as lost:
        job_id = jobs.submit(request)
        wait_until(lambda: "gathering started" in lost.log())
        lost.send(signal.SIGKILL)
        lost.wait()
    release.touch()
    with worker(store_settings, WORKER) as second:
        record = jobs.wait_for_end(job_id, reaping=True)
        assert "trial started" not in second.log()
    assert (record.status, record.attempt) == (JobState.SUCCEEDED, 2)


def test_the_result_of_a_worker_that_was_frozen_in_a_trial_is_refused(
    jobs: Jobs, store_settings: StoreSettings, release: Path
) -> None:
    with worker(store_settings, WORKER) as frozen:
        job_id = jobs.submit(trying(release, 1, trial="when_released"))
        wait_for_running(jobs, job_id)
        frozen.send(signal.SIGSTOP)
        wait_until(lambda: jobs.reap() and statuses(jobs, job_id) == ["queued"], every=0.1)
        with worker(store_settings, WORKER) as second:
            wait_for_running(jobs, job_id)
            release.touch()  # the frozen worker's trial ends now too, with a result
            record = jobs.wait_for_end(job_id)
            assert "trial done, its result: gather" in second.log()
        frozen.send(signal.SIGCONT)
        wait_until(lambda: refused(frozen))
    assert jobs.record(job_id) == record


def test_a_stopping_worker_gives_its_trial_back_at_once_and_at_no_cost(
    store: BlockingJobStore, store_settings: StoreSettings, release: Path
) -> None:
    jobs = Jobs(store, store_settings.model_copy(update={"max_attempts": 1}))
    with worker(store_settings, WORKER, GRADIENT_CLINIC_SHUTDOWN_GRACE_SECONDS="0") as stopped:
        job_id = jobs.submit(trying(release, 2, trial="when_released"))
        wait_for_running(jobs, job_id)
        stopped.send(signal.SIGTERM)
        assert stopped.wait() == 0
    assert statuses(jobs, job_id) == ["queued", "queued"]
    release.touch()
    with worker(store_settings, WORKER):  # no reaper needed: the worker sent the message itself
        record = jobs.wait_for_end(job_id)
    jobs.close()
    assert [result["kind"] for result in gathered(record)["results"]] == ["done", "done"]


def refused(worker: WorkerProcess) -> bool:
    """Whether it learned that its trial is another's now."""
    return "job lost" in worker.log() or "its result: stale" in worker.log()
