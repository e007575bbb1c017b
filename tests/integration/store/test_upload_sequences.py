"""Random sequences of everything that can happen to uploads and jobs, against a model of a few lines.

Two things must never happen: a file goes while an unfinished job uses it, or a file stays for ever.
"""

from dataclasses import dataclass, field

import pytest
import redis
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, invariant, precondition, rule

from service.contract.job import JobState
from service.contract.upload import UploadKind
from service.store import commands, upload_commands
from service.store.artifacts import ArtifactStore
from service.store.embedded_redis import EmbeddedRedis
from service.store.ids import new_job_id
from service.store.jobs import BlockingJobStore
from service.store.records import JobRecord, NewJob, UploadKey, UploadRemoval
from service.store.settings import StoreSettings
from tests.support.uploads import upload_id, write_upload
from tests.support.waiting import wait_until

CONTENTS = (b"one", b"two", b"three")
KEYS = tuple(UploadKey(kind, upload_id(content)) for kind in UploadKind for content in CONTENTS)
SHORT, LONG = 0.001, 3600.0
ATTEMPTS = 2


@dataclass
class ModelJob:
    """A job as the model knows it."""

    uploads: tuple[UploadKey, ...]
    state: JobState = JobState.QUEUED
    attempt: int = 0
    lost: int = 0


@dataclass
class Model:
    """What must be true of the store."""

    retention: dict[UploadKey, float] = field(default_factory=dict)
    """Every upload that is kept."""
    jobs: dict[str, ModelJob] = field(default_factory=dict)

    def users(self, key: UploadKey) -> int:
        return sum(key in job.uploads for job in self.jobs.values() if not job.state.final)

    def expired(self) -> set[UploadKey]:
        return {key for key, kept in self.retention.items() if kept == SHORT and not self.users(key)}


class UploadSequences(RuleBasedStateMachine):
    """The store and its files beside the model."""

    server: EmbeddedRedis
    artifacts: ArtifactStore
    submitted = Bundle("submitted")

    def __init__(self) -> None:
        super().__init__()
        self.raw = redis.Redis.from_url(self.server.url, decode_responses=True)
        self.raw.flushall()
        self.store = BlockingJobStore(self.server.url)
        for _, name in self.artifacts.old_uploads(0):
            self.artifacts.delete(name)
        self.model = Model()

    def policy(self, retention: float) -> StoreSettings:
        return StoreSettings(
            redis_url=self.server.url,
            upload_retention_seconds=retention,
            max_attempts=ATTEMPTS,
            lease_seconds=LONG,
            resend_seconds=LONG,
        )

    @rule(
        kind=st.sampled_from(UploadKind),
        content=st.sampled_from(CONTENTS),
        retention=st.sampled_from((SHORT, LONG)),
    )
    def upload(self, kind: UploadKind, content: bytes, retention: float) -> None:
        key, name = UploadKey(kind, upload_id(content)), write_upload(self.artifacts, content)
        command = upload_commands.register_upload(key, name, len(content), self.policy(retention))
        answer = self.store.execute(command)
        assert answer.outcome == ("known" if key in self.model.retention else "created")
        if answer.record.artifact != name:
            self.artifacts.delete(name)
        self.model.retention[key] = retention

    @rule(content=st.sampled_from(CONTENTS))
    def break_off_before_the_record(self, content: bytes) -> None:
        write_upload(self.artifacts, content)

    @precondition(lambda self: self.model.retention)
    @rule(target=submitted, data=st.data(), keyed=st.booleans())
    def submit(self, data: st.DataObject, keyed: bool) -> NewJob:
        kept = st.sampled_from(sorted(self.model.retention))
        return self._submit(data.draw(st.sets(kept, min_size=1, max_size=2)), keyed)

    @rule(uploads=st.sets(st.sampled_from(KEYS), max_size=2))
    def submit_with_any_uploads(self, uploads: set[UploadKey]) -> None:
        self._submit(uploads, keyed=True)

    def _submit(self, uploads: set[UploadKey], keyed: bool) -> NewJob:
        job_id = new_job_id()
        job = NewJob(job_id, "{}", "{}", "tester", job_id if keyed else None, uploads=tuple(uploads))
        missing = {str(key) for key in uploads - set(self.model.retention)}
        for _ in range(2):  # the answer was lost
            answer = self.store.execute(commands.submit(job, self.policy(LONG)))
            assert set(answer.missing) == missing
            assert answer.job_id == (None if missing else job_id)
        if not missing:
            self.model.jobs[job_id] = ModelJob(job.uploads)
        return job

    @rule(job=submitted)
    def submit_again_with_the_same_key(self, job: NewJob) -> None:
        if job.idempotency_key is not None and job.id in self.model.jobs:
            again = NewJob(new_job_id(), "{}", "{}", "tester", job.idempotency_key, uploads=job.uploads)
            assert self.store.execute(commands.submit(again, self.policy(LONG))).job_id == job.id

    @rule(job=submitted, lease_ms=st.sampled_from((1, 3_600_000)))
    def claim(self, job: NewJob, lease_ms: int) -> None:
        claimed = self.store.execute(commands.claim(job.id, "worker", lease_ms))
        known = self.model.jobs.get(job.id)
        assert (claimed is not None) == (known is not None and known.state is JobState.QUEUED)
        if claimed is not None and known is not None:
            known.state, known.attempt = JobState.RUNNING, claimed.attempt

    @rule(job=submitted, stale=st.booleans(), state=st.sampled_from([s for s in JobState if s.final]))
    def finish(self, job: NewJob, stale: bool, state: JobState) -> None:
        known = self.model.jobs.get(job.id)
        attempt = (known.attempt if known else 1) - stale
        accepted = self.store.execute(commands.finish(job.id, attempt, state))
        held = known is not None and not stale and known.state in {JobState.RUNNING, JobState.CANCELLING}
        assert accepted == held
        if held and known is not None:
            known.state = JobState.CANCELLED if known.state is JobState.CANCELLING else state

    @rule(job=submitted)
    def release(self, job: NewJob) -> None:
        known = self.model.jobs.get(job.id)
        answer = self.store.execute(commands.release(job.id, known.attempt if known else 1, "lost"))
        if known is not None and known.state in {JobState.RUNNING, JobState.CANCELLING}:
            self._lose(known)
        else:
            assert answer == "stale"

    @rule(job=submitted)
    def cancel(self, job: NewJob) -> None:
        self.store.execute(commands.cancel(job.id))
        known = self.model.jobs.get(job.id)
        if known is not None and known.state is JobState.QUEUED:
            known.state = JobState.CANCELLED
        elif known is not None and known.state is JobState.RUNNING:
            known.state = JobState.CANCELLING

    @rule(job=submitted)
    def delete_job(self, job: NewJob) -> None:
        known = self.model.jobs.get(job.id)
        deleted = self.store.execute(commands.delete(job.id)) == "deleted"
        assert deleted == (known is not None and known.state.final)
        if deleted:
            del self.model.jobs[job.id]

    @rule()
    def reap(self) -> None:
        """Leases of 1 ms have run out or not: the store says which."""
        self.store.execute(commands.reap(self.policy(LONG)))
        for job_id, known in self.model.jobs.items():
            record = self.store.execute(commands.read(job_id))
            assert isinstance(record, JobRecord)
            if record.status is not known.state:
                assert known.state in {JobState.RUNNING, JobState.CANCELLING}
                self._lose(known)
                assert record.status is known.state

    @rule(key=st.sampled_from(KEYS))
    def delete_upload(self, key: UploadKey) -> None:
        removal = self.store.execute(upload_commands.delete_upload(key))
        if key not in self.model.retention:
            assert removal.outcome == "unknown"
        elif self.model.users(key):
            assert removal.outcome == "in_use"
        else:
            self._remove([removal], {key})

    @precondition(lambda self: self.model.expired())
    @rule()
    def expire(self) -> None:
        expected = self.model.expired()
        removals: list[UploadRemoval] = []

        def all_are_gone() -> bool:
            removals.extend(self.store.execute(upload_commands.expire_uploads(2)))
            return len(removals) >= len(expected)

        wait_until(all_are_gone, every=0.001, what="uploads to expire")
        self._remove(removals, expected)

    @rule()
    def sweep(self) -> None:
        named = upload_commands.unnamed_files(self.artifacts.old_uploads(0))
        for name in self.store.execute(named):
            self.artifacts.delete(name)
        assert len(self.artifacts.old_uploads(0)) == len({key.id for key in self.model.retention})

    @invariant()
    def every_upload_is_there_with_its_file_and_its_users_counted(self) -> None:
        for key in KEYS:
            record = self.store.execute(upload_commands.read_upload(key.id, key.kind))
            assert (record is not None) == (key in self.model.retention), key
            if record is not None:
                assert record.jobs == self.model.users(key)
                assert self.artifacts.path(record.artifact) is not None

    def teardown(self) -> None:
        """In the end all jobs end and all time is over: then nothing is left."""
        for job_id, known in self.model.jobs.items():
            self.store.execute(commands.cancel(job_id))
            self.store.execute(commands.finish(job_id, known.attempt, JobState.CANCELLED))
            self.store.execute(commands.delete(job_id))
        for key in self.model.retention:
            removal = self.store.execute(upload_commands.delete_upload(key))
            assert removal.outcome == "deleted"
            if removal.artifact:
                self.artifacts.delete(removal.artifact)
        left = {key for key in self.raw.scan_iter() if ":tombstone:" not in key}
        assert left <= {"gradient-clinic:reaper"}
        for name in self.store.execute(upload_commands.unnamed_files(self.artifacts.old_uploads(0))):
            self.artifacts.delete(name)
        assert self.artifacts.old_uploads(0) == []
        self.store.close()
        self.raw.close()

    def _lose(self, job: ModelJob) -> None:
        job.lost += job.state is JobState.RUNNING
        if job.state is JobState.CANCELLING:
            job.state = JobState.CANCELLED
        else:
            job.state = JobState.FAILED if job.lost >= ATTEMPTS else JobState.QUEUED

    def _remove(self, removals: list[UploadRemoval], gone: set[UploadKey]) -> None:
        assert [removal.outcome for removal in removals] == ["deleted"] * len(gone)
        for key in gone:
            del self.model.retention[key]
        for removal in removals:
            if removal.artifact:
                self.artifacts.delete(removal.artifact)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("examples", [25, pytest.param(500, marks=pytest.mark.slow)])
def test_no_sequence_loses_a_used_file_or_keeps_an_unused_one_for_ever(
    redis_server: EmbeddedRedis, tmp_path_factory: pytest.TempPathFactory, examples: int
) -> None:
    artifacts = ArtifactStore(tmp_path_factory.mktemp("artifacts"))
    case = type("Machine", (UploadSequences,), {"server": redis_server, "artifacts": artifacts}).TestCase
    case.settings = settings(
        max_examples=examples,
        phases=[Phase.generate],  # a lease of a millisecond makes no sequence repeat exactly
        stateful_step_count=40,
        deadline=None,
        suppress_health_check=list(HealthCheck),
    )
    case("runTest").runTest()
