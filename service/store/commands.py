"""Every transition of a job, each one atomic Lua script.

A transition and the news of it are one script: no reader sees one without the other. Time is Redis's, so the
clocks of the machines do not matter. Executing the same `Command` value twice, because its answer was lost,
is safe: the second time gives the first answer or changes nothing.

    queued ──claim──▶ running ──finish──▶ succeeded | failed | cancelled
      ▲  └─cancel─▶ cancelled  └─cancel─▶ cancelling ──finish, release, reap──▶ cancelled
      └────────release, reap (attempts left)────┘      (no attempt left: failed, `worker_lost`)

A running job may also hand out trials and go on with their results: `trial_commands`. `claim`, `renew`,
`release` and `reap` are for any unit of work, a job or a trial.
"""

import hashlib
import secrets
from collections.abc import Collection, Sequence

from service.contract.job import JobState
from service.store import decoding
from service.store.command import Argument, Command, load_script, milliseconds
from service.store.ids import job_id_of_cursor
from service.store.records import (
    Cancellation,
    Claim,
    Deletion,
    JobRecord,
    NewJob,
    Page,
    Release,
    Renewal,
    Submission,
    Tombstone,
)
from service.store.settings import StoreSettings

CHANGES_CHANNEL = "gradient-clinic:changes"
"""Each change of a job is published here; the message is the job's id."""

DEFAULT_QUEUES = ("gradient-clinic",)
_BATCH = 100  # how many jobs one reap or expire looks at: a script blocks all others, so it must be short


def submit(job: NewJob, settings: StoreSettings) -> Command[Submission]:
    """Keep a new job, unless its idempotency key is known, too many wait, or an upload that it uses is gone.

    One script, so that two equal requests at once cannot both be first, and so that an upload which is there
    cannot expire before the job counts. The job keeps the policy (attempts, retention) that it was accepted
    under.
    """
    args: tuple[Argument, ...] = (
        job.id,
        job.request_json,
        job.expanded_json,
        job.caller,
        _idempotency_digest(job),
        job.body_hash,
        settings.max_queued,
        settings.max_attempts,
        milliseconds(settings.retention_seconds),
        milliseconds(settings.tombstone_seconds),
        milliseconds(settings.idempotency_seconds),
        milliseconds(settings.resend_seconds),
        *(str(upload) for upload in job.uploads),
    )
    return Command(load_script("submit"), args, decoding.submission)


def read(job_id: str) -> Command[JobRecord | Tombstone | None]:
    """A job; or what is left of it; or None if it is not known. A script, so that the two cannot mix."""
    return Command(load_script("read"), (job_id, *decoding.RECORD_FIELDS), decoding.job_or_tombstone)


def list_page(status: JobState | None, limit: int, after: str | None = None) -> Command[Page]:
    """A page of jobs, newest first, without their large fields.

    Pages go by id, not by position: jobs that arrive in between move nothing.

    Raises:
        InvalidCursorError: `after` is no cursor of ours.
    """
    if limit < 1:
        raise ValueError("a page has at least one job")
    before = "" if after is None else job_id_of_cursor(after)
    args = ("" if status is None else status.value, limit, before, *decoding.SUMMARY_FIELDS)
    return Command(load_script("list_page"), args, decoding.page)


def claim(unit: str, worker: str, lease_ms: int) -> Command[Claim | None]:
    """Take a unit of work that waits; None if there is nothing to take (a duplicate message,
    cancelled, removed).

    Atomic, so that duplicates of a message are harmless. The token lets a claim whose answer was lost on the
    way be asked again without losing the attempt.
    """
    return Command(load_script("claim"), (unit, worker, lease_ms, secrets.token_hex(8)), decoding.claim)


def renew(unit: str, attempt: int, lease_ms: int, progress_json: str | None = None) -> Command[Renewal]:
    """Keep the lease and say how far the job or trial is.

    `cancel`: still held, but somebody wants it stopped: stop, then `finish` as cancelled. `lost`: it
    went on without this worker, which must stop and write nothing.
    """
    return Command(load_script("renew"), (unit, attempt, lease_ms, progress_json or ""), decoding.word)


def finish(
    job_id: str,
    attempt: int,
    state: JobState,
    error_json: str | None = None,
    diagnosis_json: str | None = None,
    verdict: str | None = None,
) -> Command[bool]:
    """End a job; False if this attempt is not the current one any more: then nothing was written.

    The attempt number is a fencing token: a worker that was silent too long cannot overwrite the work of the
    one that replaced it. A job that is being cancelled ends as cancelled whatever `state` says (True is
    answered): its client was promised that, and a result that races a cancellation is one nobody waits for.
    """
    if not state.final:
        raise ValueError(f"a job cannot finish as {state}")
    args = (
        job_id,
        attempt,
        secrets.token_hex(8),
        state.value,
        error_json or "",
        diagnosis_json or "",
        verdict or "",
    )
    return Command(load_script("finish"), args, bool)


def release(unit: str, attempt: int, reason: str, *, counted: bool = True) -> Command[Release]:
    """Give up this attempt: the job is queued again, or fails with `worker_lost` if it has no attempt left.
    A trial without an attempt left is made, as one that failed: it costs the job no more than that.

    Bounded, so that a job which kills its workers cannot do so for ever. An attempt that ended because its
    worker was told to stop is not the job's fault: `counted=False` holds it against nobody. A requeued job's
    message is sent by the reaper at its next look; sending it at once as well is harmless.
    """
    return Command(load_script("release"), (unit, attempt, reason, int(counted)), decoding.word)


def cancel(job_id: str) -> Command[Cancellation]:
    """Stop a job: at once if no worker has it; if one does, its next `renew` says so. Trials that wait are
    gone at once; the job is cancelled when the last one that runs has stopped."""
    return Command(load_script("cancel"), (job_id,), decoding.word)


def delete(job_id: str) -> Command[Deletion]:
    """Remove a final job and leave a tombstone; its idempotency key is forgotten with it."""
    return Command(load_script("delete"), (job_id,), decoding.word)


def reap(settings: StoreSettings, queues: Sequence[str] = DEFAULT_QUEUES) -> Command[list[str]]:
    """Look after jobs and trials that nobody looks after; gives those whose message must be sent (again).

    Jobs whose lease ran out are queued again, or fail with `worker_lost`, or end as cancelled. Jobs that have
    waited for `resend_seconds` get another message, for theirs may be lost; while `queues` (Celery's lists)
    are not empty, the pause before the next one doubles each time, for then they probably just have to wait.

    After a pause in which nobody was looked after (Redis was down, the machine slept) every holder gets a
    whole new lease first: it could not renew either.
    """
    resend_ms, lease_ms = milliseconds(settings.resend_seconds), milliseconds(settings.lease_seconds)
    return Command(load_script("reap"), (resend_ms, lease_ms, _BATCH, *queues), list)


def expire(batch: int = _BATCH) -> Command[list[str]]:
    """Remove at most `batch` final jobs whose time is over; gives their ids, so their files can go."""
    return Command(load_script("expire"), (batch,), list)


def unknown(job_ids: Collection[str]) -> Command[list[str]]:
    """Those of `job_ids` of which no job is kept: their files may go, whoever forgot to delete them."""
    return Command(load_script("unknown"), tuple(job_ids), list)


def _idempotency_digest(job: NewJob) -> str:
    """A name for caller and key together; hashed, as both may be long and hold anything."""
    if job.idempotency_key is None:
        return ""
    scoped = f"{len(job.caller)}:{job.caller}{job.idempotency_key}"
    return hashlib.sha256(scoped.encode()).hexdigest()
