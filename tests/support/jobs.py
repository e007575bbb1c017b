"""Jobs in a given state, for tests of the store and of what is built on it."""

from service.contract.job import JobState
from service.store import commands
from service.store.ids import new_job_id
from service.store.jobs import BlockingJobStore
from service.store.records import JobRecord, NewJob
from service.store.settings import StoreSettings

REQUEST_JSON = '{"request": "é"}'
LEASE_MS = 60_000
"""Long enough not to run out while a test looks."""


def new_job(caller: str = "tester", key: str | None = None, body_hash: str = "body") -> NewJob:
    """A job nobody has seen; the store does not look into its request."""
    return NewJob(new_job_id(), REQUEST_JSON, '{"layers": []}', caller, key, body_hash)


def queued(store: BlockingJobStore, settings: StoreSettings) -> str:
    """The id of a job that waits."""
    job = new_job()
    assert store.execute(commands.submit(job, settings)).outcome == "created"
    return job.id


def running(store: BlockingJobStore, settings: StoreSettings, lease_ms: int = LEASE_MS) -> str:
    """The id of a job that its first attempt runs."""
    job_id = queued(store, settings)
    claim_again(store, job_id, lease_ms)
    return job_id


def claim_again(store: BlockingJobStore, job_id: str, lease_ms: int = LEASE_MS) -> int:
    """Claim the job, which must be free, and give the attempt's number."""
    claim = store.execute(commands.claim(job_id, "worker-a", lease_ms))
    assert claim is not None
    return claim.attempt


def cancelling(store: BlockingJobStore, settings: StoreSettings, lease_ms: int = LEASE_MS) -> str:
    """The id of a job that runs and has been asked to stop."""
    job_id = running(store, settings, lease_ms)
    assert store.execute(commands.cancel(job_id)) == "cancelling"
    return job_id


def finished(store: BlockingJobStore, settings: StoreSettings, state: JobState = JobState.SUCCEEDED) -> str:
    """The id of a job that its first attempt ended."""
    job_id = running(store, settings)
    assert store.execute(commands.finish(job_id, 1, state))
    return job_id


def in_state(store: BlockingJobStore, settings: StoreSettings, state: JobState | None) -> str:
    """The id of a job in `state`; of one that never was, for None."""
    if state is None:
        return new_job_id()
    makers = {JobState.QUEUED: queued, JobState.RUNNING: running, JobState.CANCELLING: cancelling}
    make = makers.get(state)
    return finished(store, settings, state) if make is None else make(store, settings)


def record_of(store: BlockingJobStore, job_id: str) -> JobRecord:
    """The job, which must be there."""
    record = store.execute(commands.read(job_id))
    assert isinstance(record, JobRecord)
    return record
