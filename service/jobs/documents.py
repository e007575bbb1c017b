"""From what the store keeps to what clients read.

The large parts of a job (request, network, diagnosis) are kept as JSON and go out as they are: they were
checked on the way in, and parsing them again would be most of the work of a poll. The tests hold the result
against the contract's `Job`.
"""

import json
from collections.abc import Iterable
from datetime import datetime
from typing import cast

from pydantic_core import from_json

from service.contract.training_plan import Device
from service.store.records import JobRecord, JobSummaryRecord, Page

BASE_PATH = "/v1/jobs"


def job_json(record: JobRecord, root_path: str = "") -> str:
    """The contract's `Job`. `root_path` stands before the paths of links: a proxy's prefix."""
    return _object(
        [
            *_summary_members(record, root_path),
            ("request", record.request_json),
            ("expanded", record.expanded_json),
            ("diagnosis", record.diagnosis_json),
        ]
    )


def list_json(page: Page, root_path: str = "") -> str:
    """The contract's `JobList`."""
    jobs = (_object(_summary_members(record, root_path)) for record in page.records)
    return _object(
        [
            ("data", "[" + ",".join(jobs) + "]"),
            ("has_more", json.dumps(page.has_more)),
            ("next_cursor", json.dumps(page.next_cursor)),
        ]
    )


def job_path(job_id: str, root_path: str = "") -> str:
    """The path of a job."""
    return f"{root_path}{BASE_PATH}/{job_id}"


def requested_device(request_json: str) -> Device:
    """The device that a kept request asks for."""
    return cast(Device, from_json(request_json)["device"])


def _summary_members(record: JobSummaryRecord, root_path: str) -> list[tuple[str, str | None]]:
    return [
        ("id", json.dumps(record.id)),
        ("status", json.dumps(record.status)),
        ("created_at", _time(record.created_at)),
        ("started_at", _time(record.started_at)),
        ("finished_at", _time(record.finished_at)),
        ("expires_at", _time(record.expires_at)),
        ("attempt", str(record.attempt)),
        ("progress", record.progress_json),
        ("verdict", json.dumps(record.verdict)),
        ("error", record.error_json),
        ("links", _links(job_path(record.id, root_path))),
    ]


def _links(job: str) -> str:
    return json.dumps(
        {
            "self": job,
            "diagnosis": f"{job}/diagnosis",
            "trace": f"{job}/trace",
            "artifacts": f"{job}/artifacts/{{file}}",
            "cancel": f"{job}/cancel",
        }
    )


def _time(moment: datetime | None) -> str | None:
    if moment is None:
        return None
    return '"' + moment.isoformat(timespec="milliseconds").replace("+00:00", "Z") + '"'


def _object(members: Iterable[tuple[str, str | None]]) -> str:
    return "{" + ",".join(f'"{name}":{value or "null"}' for name, value in members) + "}"
