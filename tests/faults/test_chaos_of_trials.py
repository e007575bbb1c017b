"""Workers die again and again while jobs have trials made: each job succeeds, once, with every result."""

import random
import signal
from contextlib import ExitStack
from pathlib import Path

import pytest
import redis

from service.contract.job import JobState
from service.store import commands
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.faults.trying import WORKER, gathered, statuses, trying
from tests.support.waiting import wait_until
from tests.support.workers import Jobs, WorkerProcess, worker

JOBS, KILLS, FLEET = 4, 12, 3
ROUNDS = (1, 6, 3)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("seed", range(3))
def test_jobs_with_trials_survive_a_dying_fleet(
    store: BlockingJobStore,
    store_settings: StoreSettings,
    raw_redis: redis.Redis,
    release: Path,
    seed: int,
) -> None:
    chance = random.Random(seed)
    patient = store_settings.model_copy(update={"max_attempts": 1 + KILLS, "resend_seconds": 3.0})
    jobs = Jobs(store, patient)
    with ExitStack() as stack:
        fleet = [stack.enter_context(worker(patient, WORKER)) for _ in range(FLEET)]
        ids = [jobs.submit(trying(release, *ROUNDS, trial="after_a_moment")) for _ in range(JOBS)]
        for _ in range(KILLS):
            wait_for_some_progress(jobs, ids, chance.randint(1, 3))
            victim = fleet.pop(chance.randrange(FLEET))
            kill(victim)
            fleet.append(stack.enter_context(worker(patient, WORKER)))
        records = [jobs.wait_for_end(job_id, reaping=True, timeout=300) for job_id in ids]
        finishes = sum(each.log_path.read_text().count("job finished") for each in fleet)

    assert [record.status for record in records] == [JobState.SUCCEEDED] * JOBS
    for record in records:
        assert gathered(record)["numbers"] == list(range(sum(ROUNDS)))
        assert {result["kind"] for result in gathered(record)["results"]} == {"done"}
    assert finishes <= JOBS
    for job_id in ids:
        assert store.execute(commands.delete(job_id)) == "deleted"
    ours = {key for key in raw_redis.scan_iter("gradient-clinic:*") if ":tombstone:" not in key}
    assert ours <= {"gradient-clinic:reaper", "gradient-clinic:workers", "gradient-clinic:worker_reports"}
    jobs.close()


def wait_for_some_progress(jobs: Jobs, ids: list[str], count: int) -> None:
    """Until so many more trials are done, or all jobs are."""

    def done() -> int:
        jobs.reap()
        return sum(statuses(jobs, job_id).count("done") for job_id in ids)

    before = done()
    wait_until(
        lambda: done() >= before + count or all(jobs.record(job_id).status.final for job_id in ids),
        timeout=120,
    )


def kill(victim: WorkerProcess) -> None:
    victim.send(signal.SIGKILL)
    victim.wait()
