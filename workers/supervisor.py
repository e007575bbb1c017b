"""One unit of work from claim to finish, supervised by the thread that got its message."""

import logging
import math
import threading
import time
from contextlib import suppress
from pathlib import Path

from service.contract.errors import ErrorCode, JobError
from service.contract.job import JobRequest, Progress
from service.contract.model_spec import UploadedModel
from service.store import commands
from service.store.artifacts import ArtifactStore
from service.store.jobs import BlockingJobStore
from service.store.records import Claim
from service.store.trial_commands import is_trial, job_of, number_of
from service.store.upload_commands import read_upload
from workers.closing import CLOSINGS, Attempt, Closing, Messages
from workers.files import uploads_of
from workers.isolation.child import REQUEST_FILE, ChildSpec
from workers.isolation.confinement.policy import Protections
from workers.isolation.process import Zygote, ZygoteLostError
from workers.isolation.watch import Ending, Failed, Stop, Stopped, Succeeded, Watch, internal_failure
from workers.lease import Lease
from workers.patience import GivenUpError, PatientStore
from workers.scratch import Scratch
from workers.settings import WorkerSettings
from workers.units import Entries, unit_of

NOT_CONFINED = (
    "The worker that took this job may open uploads only where Landlock and seccomp confine it, and its host "
    "lacks one of them."
)


class Supervisor:
    """Does units of work (jobs, trials, gathering of trials), one at a time.

    Whatever goes wrong inside a job ends that job, or inside a trial that trial. What goes wrong outside it
    (a lost worker or zygote, a shutdown) gives the work back to the queue. An answer from Redis is waited
    for as long as it takes.
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
        entries: Entries,
    ) -> None:
        self._store = store
        self._patient = PatientStore(store, lambda: self._stop_at)
        self._artifacts = artifacts
        self._scratch = scratch
        self._zygote = zygote
        self._settings = settings
        self._name = name
        self._lease_seconds = lease_seconds
        self._protections = protections
        self._entries = entries
        self._busy = threading.Lock()
        self._stop_at = math.inf

    def stop(self) -> None:
        """Take no more work, and give the present one back unless it ends within the grace time."""
        self._stop_at = min(self._stop_at, time.monotonic() + self._settings.shutdown_grace_seconds)

    def wait_until_idle(self) -> None:
        """Return once nothing is being done."""
        with self._busy:
            pass

    def run(self, unit: str) -> Messages:
        """Do a unit of work if it is there to be done. Answers which units' messages are to be sent: its own
        if it was given back, its trials', or its job's after the last trial."""
        lease_ms = round(self._lease_seconds * 1000)
        with self._busy, suppress(GivenUpError):
            if self._stop_at < math.inf:
                return (unit,)  # it still waits: only its message was taken
            claim = self._patient.execute(commands.claim(unit, self._name, lease_ms))
            return () if claim is None else self._attempt(unit, claim)
        return ()

    def _attempt(self, name: str, claim: Claim) -> Messages:
        context = {"job": job_of(name), "attempt": claim.attempt}
        if is_trial(name):
            context["trial"] = number_of(name)
        log = logging.LoggerAdapter(logging.getLogger(__name__), context)
        log.info("%s started", claim.kind)
        lease = Lease(self._store, name, claim.attempt, self._lease_seconds)
        with self._scratch.directory() as scratch:
            attempt = Attempt(name, claim, scratch, lease, log)
            closing = CLOSINGS[claim.kind](attempt, self._patient, self._artifacts)
            try:
                ending = self._run_child(attempt)
                return self._conclude(attempt, closing, ending)
            except ZygoteLostError as error:
                self._zygote.close()
                return self._give_back(attempt, f"Worker {self._name}: {error}.")
            except GivenUpError:
                raise
            except Exception as error:
                log.exception("the supervisor failed")
                return self._conclude(attempt, closing, internal_failure(repr(error)))

    def _run_child(self, attempt: Attempt) -> Ending:
        claim, scratch = attempt.claim, attempt.scratch
        unit = unit_of(claim)
        limits = self._settings.limits_of(unit.request)
        files = self._files(unit.request)
        if files and self._settings.require_confinement and not self._protections.fit_for_uploads:
            return Failed(JobError.of(ErrorCode.INTERNAL, NOT_CONFINED))
        (scratch / REQUEST_FILE).write_text(unit.told, "utf-8")
        spec = ChildSpec(
            entry=self._entries.of(claim.kind),
            scratch=scratch,
            limits=limits,
            confinement=self._settings.confinement_of(unit.request, self._protections),
        )
        shown = claim.kind != "gathering"  # the job then still shows its trials

        def pulse(progress: Progress | None) -> Stop | None:
            why = attempt.lease.pulse(progress if shown else None)
            return why or (Stop.SHUTDOWN if time.monotonic() > self._stop_at else None)

        with self._zygote.spawn(spec, files) as child:
            return Watch(child, limits, self._settings.stall_seconds, _breach(unit.request)).follow(pulse)

    def _files(self, request: JobRequest) -> dict[str, Path]:
        """The uploads that the job works on, by the names that its code knows them by. They are there: the
        store keeps them while an unfinished job uses them."""
        files = {}
        for name, key in uploads_of(request).items():
            record = self._patient.execute(read_upload(key.id, key.kind))
            path = self._artifacts.path(record.artifact) if record else None
            if path is None:
                raise FileNotFoundError(f"the file of {key} is missing")
            files[name] = path
        return files

    def _conclude(self, attempt: Attempt, closing: Closing, ending: Ending) -> Messages:
        match ending:
            case Succeeded(outcome):
                return closing.succeed(outcome)
            case Failed(error, log):
                return closing.fail(error, log)
            case Stopped(Stop.CANCELLED):
                return closing.cancel()
            case Stopped(Stop.SHUTDOWN):
                return self._give_back(attempt, f"Worker {self._name} was stopped.", counted=False)
            case Stopped(Stop.LOST):
                attempt.log.warning("job lost: another attempt has taken over")
        return ()

    def _give_back(self, attempt: Attempt, reason: str, *, counted: bool = True) -> Messages:
        release = commands.release(attempt.unit, attempt.number, reason, counted=counted)
        released = self._patient.execute(release)
        attempt.log.warning("%s given back, now %s: %s", attempt.unit, released, reason)
        if released == "requeued":
            return (attempt.unit,)
        return (job_of(attempt.unit),) if released == "failed" and is_trial(attempt.unit) else ()


def _breach(request: JobRequest) -> ErrorCode:
    """What it is called when the job makes a system call that training has no use for."""
    uploaded = isinstance(request.model, UploadedModel)
    return ErrorCode.UNSAFE_CHECKPOINT if uploaded else ErrorCode.CRASHED
