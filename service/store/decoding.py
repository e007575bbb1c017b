"""From Redis's replies to typed answers. The scripts decide what is in a reply; each is described there."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from service.contract.job import JobState
from service.store.ids import cursor_after
from service.store.records import (
    Branching,
    Claim,
    JobRecord,
    JobSummaryRecord,
    MadeTrial,
    Page,
    Submission,
    Tombstone,
)

SUMMARY_FIELDS = (
    "status",
    "created_at",
    "started_at",
    "finished_at",
    "expires_at",
    "attempt",
    "gatherings",
    "revision",
    "caller",
    "progress",
    "verdict",
    "error",
)
"""Fields of the job's hash that a list shows."""

RECORD_FIELDS = (*SUMMARY_FIELDS, "request", "expanded", "diagnosis", "traced_by")
"""Fields of the job's hash that one job shows."""


def word(reply: str) -> Any:
    """One of a few words. The script knows which; its Python function says which."""
    return reply


def submission(reply: Sequence[Any]) -> Submission:
    outcome, job_id, *missing = reply
    return Submission(outcome, job_id or None, tuple(missing))


def claim(reply: Sequence[Any] | None) -> Claim | None:
    if reply is None:
        return None
    attempt, request, kind, *more = reply
    draft, *made = more or (None,)
    trials = tuple(MadeTrial(*pair) for pair in zip(made[::2], made[1::2], strict=True))
    return Claim(int(attempt), request, kind, draft, trials)


def branching(reply: Sequence[Any]) -> Branching:
    outcome, *trials = reply
    return Branching(outcome, tuple(trials))


def job_or_tombstone(reply: Sequence[Any] | None) -> JobRecord | Tombstone | None:
    if reply is None:
        return None
    what, job_id, content = reply
    if what == "tombstone":
        kind, removed_at = content
        return Tombstone(job_id, kind, time(removed_at))
    fields = dict(zip(RECORD_FIELDS, content, strict=True))
    return JobRecord(
        **_summary(job_id, fields),
        request_json=fields["request"],
        expanded_json=fields["expanded"],
        diagnosis_json=fields["diagnosis"],
        traced_by=int(fields["traced_by"] or fields["attempt"]),
    )


def page(reply: Sequence[Any]) -> Page:
    more, rows = bool(reply[0]), reply[1]
    records = tuple(
        JobSummaryRecord(**_summary(job_id, dict(zip(SUMMARY_FIELDS, content, strict=True))))
        for job_id, content in rows
    )
    return Page(records, has_more=more, next_cursor=cursor_after(records[-1].id) if more else None)


def _summary(job_id: str, fields: dict[str, Any]) -> dict[str, Any]:
    return {
        "id": job_id,
        "status": JobState(fields["status"]),
        "created_at": time(fields["created_at"]),
        "started_at": _optional_time(fields["started_at"]),
        "finished_at": _optional_time(fields["finished_at"]),
        "expires_at": _optional_time(fields["expires_at"]),
        "attempt": int(fields["attempt"]) - int(fields["gatherings"] or 0),
        "revision": int(fields["revision"]),
        "caller": fields["caller"],
        "progress_json": fields["progress"],
        "verdict": fields["verdict"],
        "error_json": fields["error"],
    }


def time(milliseconds: str) -> datetime:
    """A time as scripts write it."""
    return datetime.fromtimestamp(int(milliseconds) / 1000, UTC)


def _optional_time(milliseconds: str | None) -> datetime | None:
    return None if milliseconds is None else time(milliseconds)
