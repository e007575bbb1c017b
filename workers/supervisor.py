"""One job from claim to finish, supervised by the thread that got its message."""

import logging
import math
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode, JobError
from service.contract.job import JobRequest, JobState, Progress
from service.contract.model_spec import UploadedModel
from service.store import commands
from service.store.artifacts import ArtifactStore, trace_name
from service.store.command import Command
from service.store.errors import StoreUnavailableError
from service.store.jobs import BlockingJobStore
from service.store.records import Claim, Release
from service.store.upload_commands import read_upload
from workers.files import uploads_of
from workers.isolation.child import REQUEST_FILE, ChildSpec
from workers.isolation.confinement.policy import Protections
from workers.isolation.process import Zygote, ZygoteLostError
from workers.isolation.watch import Ending, Failed, Stop, Stopped, Succeeded, Watch, internal_failure
from workers.lease import Lease
from workers.scratch import Scratch, open_result
from workers.settings import WorkerSettings

T = TypeVar("T")
ENTRY = "workers.run:run_child"
TRACE_SUFFIXES = (".npz", ".json.gz")
RETRY_SECONDS = 0.5
LAST_WORD_SECONDS = 2.0
"""How long a stopping worker that does not reach Redis tries to tell it."""


NOT_CONFINED = (
    "The worker that took this job may open uploads only where Landlock and seccomp confine it, and its host "
    "lacks one of them."
)


class GivenUpError(Exception):
    """Redis was away when the worker had to stop: the lease will run out and the job be run again."""


@dataclass(frozen=True)
class Attempt:
    """One try at a job by this worker."""

    job_id: str
    number: int
    log: "logging.LoggerAdapter[logging.Logger]"


class Supervisor:
    """Runs jobs, one at a time.

    Whatever goes wrong inside a job ends that job. What goes wrong outside it (a lost worker or zygote, a
    shutdown) gives the job back to the queue. An answer from Redis is waited for as long as it takes.
    """

    def __init__(
        self,
        store: BlockingJobStore,
        artifacts: ArtifactStore,
        scratch: Scratch,
        zygote: Zygote,
        settings: WorkerSettings,
        *,
        name: str,
        lease_seconds: float,
        protections: Protections,
        entry: str = ENTRY,
    ) -> None:
        self._store = store
        self._artifacts = artifacts
        self._scratch = scratch
        self._zygote = zygote
        self._settings = settings
        self._name = name
        self._lease_seconds = lease_seconds
        self._protections = protections
        self._entry = entry
        self._busy = threading.Lock()
        self._stop_at = math.inf

    def stop(self) -> None:
        """Take no more jobs, and give the present one back unless it ends within the grace time."""
        self._stop_at = min(self._stop_at, time.monotonic() + self._settings.shutdown_grace_seconds)

    def wait_until_idle(self) -> None:
        """Return once no job runs."""
        with self._busy:
            pass

    def run(self, job_id: str) -> Release | None:
        """Run a job if it is there to be run. Answers what became of it if this attempt was given up."""
        lease_ms = round(self._lease_seconds * 1000)
        with self._busy, suppress(GivenUpError):
            if self._stop_at < math.inf:
                return "requeued"  # it still is: only its message was taken
            claim = self._insist(commands.claim(job_id, self._name, lease_ms))
            return None if claim is None else self._attempt(job_id, claim)
        return None

    def _attempt(self, job_id: str, claim: Claim) -> Release | None:
        context = {"job": job_id, "attempt": claim.attempt}
        attempt = Attempt(job_id, claim.attempt, logging.LoggerAdapter(logging.getLogger(__name__), context))
        attempt.log.info("job started")
        lease = Lease(self._store, job_id, claim.attempt, self._lease_seconds)
        with self._scratch.directory() as scratch:
            try:
                ending = self._run_child(claim, scratch, lease)
                return self._conclude(attempt, lease, ending, scratch)
            except ZygoteLostError as error:
                self._zygote.close()
                return self._give_back(attempt, f"Worker {self._name}: {error}.")
            except GivenUpError:
                raise
            except Exception as error:
                attempt.log.exception("the supervisor failed")
                return self._conclude(attempt, lease, internal_failure(repr(error)), scratch)

    def _run_child(self, claim: Claim, scratch: Path, lease: Lease) -> Ending:
        request = JobRequest.model_validate_json(claim.request_json)
        limits = self._settings.limits_of(request)
        files = self._files(request)
        if files and self._settings.require_confinement and not self._protections.fit_for_uploads:
            return Failed(JobError.of(ErrorCode.INTERNAL, NOT_CONFINED))
        (scratch / REQUEST_FILE).write_text(claim.request_json, "utf-8")
        spec = ChildSpec(
            entry=self._entry,
            scratch=scratch,
            limits=limits,
            confinement=self._settings.confinement_of(request, self._protections),
        )

        def pulse(progress: Progress | None) -> Stop | None:
            return lease.pulse(progress) or (Stop.SHUTDOWN if time.monotonic() > self._stop_at else None)

        with self._zygote.spawn(spec, files) as child:
            return Watch(child, limits, self._settings.stall_seconds, _breach(request)).follow(pulse)

    def _files(self, request: JobRequest) -> dict[str, Path]:
        """The uploads that the job works on, by the names that its code knows them by. They are there: the
        store keeps them while an unfinished job uses them."""
        files = {}
        for name, key in uploads_of(request).items():
            record = self._insist(read_upload(key.id, key.kind))
            path = self._artifacts.path(record.artifact) if record else None
            if path is None:
                raise FileNotFoundError(f"the file of {key} is missing")
            files[name] = path
        return files

    def _conclude(self, attempt: Attempt, lease: Lease, ending: Ending, scratch: Path) -> Release | None:
        match ending:
            case Succeeded(diagnosis):
                self._succeed(attempt, lease, diagnosis, scratch)
            case Failed(error, log):
                self._fail(attempt, error, log)
            case Stopped(Stop.CANCELLED):
                self._finish(attempt, commands.finish(attempt.job_id, attempt.number, JobState.CANCELLED))
            case Stopped(Stop.LOST):
                attempt.log.warning("job lost: another attempt has taken over")
            case Stopped(Stop.SHUTDOWN):
                return self._give_back(attempt, f"Worker {self._name} was stopped.", counted=False)
        return None

    def _succeed(self, attempt: Attempt, lease: Lease, diagnosis: Diagnosis, scratch: Path) -> None:
        """Store the trace, then the diagnosis: a job that says it succeeded has its trace."""
        if self._patiently(lease.renew) is Stop.LOST:
            attempt.log.warning("job lost: its result is dropped")
            return
        for suffix in TRACE_SUFFIXES:
            if (result := open_result(scratch / f"trace{suffix}")) is not None:
                with result:
                    self._artifacts.put(trace_name(attempt.job_id, attempt.number, suffix), result)
        command = commands.finish(
            attempt.job_id,
            attempt.number,
            JobState.SUCCEEDED,
            diagnosis_json=diagnosis.model_dump_json(),
            verdict=diagnosis.verdict,
        )
        self._finish(attempt, command)

    def _fail(self, attempt: Attempt, error: JobError, log: str) -> None:
        attempt.log.warning("job failed: %s: %s", error.code, error.detail)
        if log:
            attempt.log.error("%s", log)
        error_json = error.model_dump_json()
        self._finish(
            attempt, commands.finish(attempt.job_id, attempt.number, JobState.FAILED, error_json=error_json)
        )

    def _finish(self, attempt: Attempt, command: Command[bool]) -> None:
        if self._insist(command):
            attempt.log.info("job finished")
        else:
            attempt.log.warning("job lost: its result was refused")

    def _give_back(self, attempt: Attempt, reason: str, *, counted: bool = True) -> Release:
        released = self._insist(commands.release(attempt.job_id, attempt.number, reason, counted=counted))
        attempt.log.warning("job given back, now %s: %s", released, reason)
        return released

    def _insist(self, command: Command[T]) -> T:
        return self._patiently(lambda: self._store.execute(command))

    def _patiently(self, step: Callable[[], T]) -> T:
        """Until Redis answers. Raises GivenUpError if the worker has to stop before it does."""
        while True:
            try:
                return step()
            except StoreUnavailableError as error:
                if time.monotonic() > self._stop_at + LAST_WORD_SECONDS:
                    raise GivenUpError from error
                time.sleep(RETRY_SECONDS)


def _breach(request: JobRequest) -> ErrorCode:
    """What it is called when the job makes a system call that training has no use for."""
    uploaded = isinstance(request.model, UploadedModel)
    return ErrorCode.UNSAFE_CHECKPOINT if uploaded else ErrorCode.CRASHED
