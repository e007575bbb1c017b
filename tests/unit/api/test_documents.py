import json
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from service.contract.job import Job, JobList, JobRequest, JobState
from service.contract.planning import plan_network
from service.jobs.documents import job_json, list_json, requested_device
from service.store.records import JobRecord, Page
from tests.support.requests import HIDDEN, diagnosis, job_request

REQUEST = JobRequest.model_validate(job_request(HIDDEN, device="cuda"))
PLAN = plan_network(REQUEST.model, REQUEST.data.shape, REQUEST.training)
AT = datetime(2026, 1, 2, 3, 4, 5, 678000, UTC)
QUEUED = JobRecord(
    id="job_01JD7G4Q3V8W1Z6X2N5T9R0KCE",
    status=JobState.QUEUED,
    created_at=AT,
    started_at=None,
    finished_at=None,
    expires_at=None,
    attempt=0,
    revision=1,
    caller="anonymous",
    progress_json=None,
    verdict=None,
    error_json=None,
    request_json=REQUEST.model_dump_json(),
    expanded_json=PLAN.expanded().model_dump_json(),
    traced_by=1,
    diagnosis_json=None,
)
RUNNING = replace(
    QUEUED,
    status=JobState.RUNNING,
    started_at=AT,
    attempt=1,
    progress_json='{"phase":"training","step":1,"steps":2,"loss":null,"trials":[]}',
)
TRYING = replace(
    RUNNING,
    progress_json='{"phase":"trying","step":7,"steps":20,"loss":null,"trials":['
    '{"remedy":"residual (rezero)","status":"running","step":7,"steps":20}]}',
)
SUCCEEDED = replace(
    RUNNING,
    status=JobState.SUCCEEDED,
    finished_at=AT,
    expires_at=AT,
    verdict="healthy",
    diagnosis_json=json.dumps(diagnosis()),
)
FAILED = replace(
    RUNNING,
    status=JobState.FAILED,
    error_json='{"code":"timed_out","detail":"It took too long.","retryable":false}',
)


@pytest.mark.parametrize("record", [QUEUED, RUNNING, TRYING, SUCCEEDED, FAILED])
def test_a_job_is_written_as_the_contract_says(record: JobRecord) -> None:
    text = job_json(record)
    job = Job.model_validate_json(text)
    # every field is there, and nothing else; re-serialising gives the same document
    assert json.loads(text) == json.loads(job.model_dump_json()) | {
        "created_at": "2026-01-02T03:04:05.678Z"
    } | {name: json.loads(text)[name] for name in ("started_at", "finished_at", "expires_at")}
    assert job.created_at == AT


def test_a_page_is_written_as_the_contract_says() -> None:
    page = JobList.model_validate_json(list_json(Page((QUEUED, RUNNING), has_more=True, next_cursor="abc")))
    assert [job.status for job in page.data] == ["queued", "running"]
    assert page.next_cursor == "abc"


def test_links_stand_behind_a_proxys_prefix() -> None:
    links = json.loads(job_json(QUEUED, "/clinic"))["links"]
    assert links["self"] == f"/clinic/v1/jobs/{QUEUED.id}"
    assert all(link.startswith(links["self"]) for link in links.values())


def test_the_device_of_a_kept_request_is_found() -> None:
    assert requested_device(QUEUED.request_json) == "cuda"
