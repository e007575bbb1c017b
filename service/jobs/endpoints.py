"""The resource `/v1/jobs`."""

import hashlib
from typing import Annotated

from fastapi import APIRouter, Query, Request, Response
from fastapi.responses import FileResponse
from pydantic import Field

from service.contract.base import Contract
from service.contract.job import JobState
from service.jobs import openapi
from service.jobs.dependencies import FileName, JobId, Jobs, JsonBody, Wait, Waiting
from service.jobs.documents import BASE_PATH, job_json, job_path, list_json
from service.jobs.headers import entity_tag, idempotency_key, is_known
from service.jobs.parsing import parse_job_request
from service.jobs.trace import trace_response, wanted_suffix
from service.jobs.waiting import while_connected
from service.store.records import JobRecord

POLL_SECONDS = 1
"""What `Retry-After` says until a job is final."""

router = APIRouter(prefix=BASE_PATH, tags=["jobs"])


class ListQuery(Contract):
    """Query of the list of jobs."""

    status: JobState | None = None
    """Only jobs that stand there."""
    limit: int = Field(default=20, ge=1, le=100)
    """Jobs per page."""
    after: str | None = Field(default=None, max_length=200)
    """`next_cursor` of the page before; opaque."""


@router.post("", **openapi.SUBMIT)
async def submit_job(request: Request, body: JsonBody, wait: Wait, jobs: Jobs) -> Response:
    """Submit a network, its data and its training for diagnosis. What cannot work is refused here, with the
    place that is wrong; what is accepted will be run.

    With an `Idempotency-Key` the same request can be sent again safely: it answers with the same job.
    """
    key, body_hash = idempotency_key(request), hashlib.sha256(body).hexdigest()
    job_id, replayed = await jobs.submit(parse_job_request(body), key, body_hash)
    record = await _awaited(request, job_id, wait, jobs)
    headers = {"Location": job_path(job_id, _root(request))}
    if replayed:
        headers["Idempotent-Replayed"] = "true"
    return _job(request, record, wait, status=200 if record.status.final else 202, headers=headers)


@router.get("", **openapi.LIST)
async def list_jobs(request: Request, query: Annotated[ListQuery, Query()], jobs: Jobs) -> Response:
    """The jobs, newest first, without their requests and diagnoses."""
    page = await jobs.page(query.status, query.limit, query.after)
    return _json(list_json(page, _root(request)))


@router.get("/{job_id}", **openapi.GET)
async def get_job(request: Request, job_id: JobId, wait: Wait, jobs: Jobs) -> Response:
    """A job: its state, progress and, once there is one, its diagnosis. While remedies are tried the job
    still runs, and its diagnosis shows what is known so far.

    With `wait` the answer comes when the job is final, or after that many seconds. With `If-None-Match` as
    well, it comes as soon as the job changes: progress can be followed without polling.
    """
    record = await _awaited(request, job_id, wait, jobs)
    if is_known(request, entity_tag(record.revision)):
        return Response(status_code=304, headers=_job_headers(record, wait))
    return _job(request, record, wait)


@router.get("/{job_id}/diagnosis", **openapi.DIAGNOSIS)
async def get_diagnosis(request: Request, job_id: JobId, jobs: Jobs) -> Response:
    """The diagnosis alone, once the job is final."""
    record = await jobs.diagnosed(job_id)
    headers = {"ETag": entity_tag(record.revision), "Cache-Control": "no-cache"}
    if is_known(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return _json(record.diagnosis_json or "null", headers=headers)


@router.get("/{job_id}/trace", **openapi.TRACE)
async def get_trace(request: Request, job_id: JobId, jobs: Jobs) -> Response:
    """Every measurement behind the diagnosis: each statistic of each layer at each probed step. A NumPy
    archive (.npz), or JSON with `Accept: application/json`."""
    suffix = wanted_suffix(request)
    return trace_response(request, job_id, await jobs.trace(job_id, suffix), suffix)


@router.get("/{job_id}/artifacts/{file}", **openapi.ARTIFACT)
async def get_artifact(job_id: JobId, file: FileName, jobs: Jobs) -> Response:
    """The prescribed network, trained from the job's own seed: `network.safetensors` holds its weights and
    buffers, `network.pt2` the network itself, as `torch.export` writes it. `prescription.files` of the
    diagnosis names those that there are."""
    path = await jobs.artifact(job_id, file)
    return FileResponse(path, media_type=openapi.BINARY, filename=f"{job_id}-{file}")


@router.post("/{job_id}/cancel", **openapi.CANCEL)
async def cancel_job(request: Request, job_id: JobId, jobs: Jobs) -> Response:
    """Stop a job. A queued one is cancelled at once (200), a running one as soon as its worker notices (202).
    Cancelling twice is fine."""
    record = await jobs.cancel(job_id)
    return _job(request, record, status=200 if record.status.final else 202)


@router.delete("/{job_id}", **openapi.DELETE)
async def delete_job(job_id: JobId, jobs: Jobs) -> Response:
    """Remove a final job with its diagnosis and its measurements. Afterwards its address answers 410."""
    await jobs.delete(job_id)
    return Response(status_code=204)


async def _awaited(request: Request, job_id: str, wait: Waiting, jobs: Jobs) -> JobRecord:
    """The job, after waiting as the client wishes."""
    if wait.seconds == 0:
        return await jobs.read(job_id)

    def enough(record: JobRecord) -> bool:
        if record.status.final:
            return True
        return "if-none-match" in request.headers and not is_known(request, entity_tag(record.revision))

    return await while_connected(request, jobs.wait(job_id, wait.seconds, enough))


def _job(
    request: Request,
    record: JobRecord,
    wait: Waiting | None = None,
    *,
    status: int = 200,
    headers: dict[str, str] | None = None,
) -> Response:
    return _json(job_json(record, _root(request)), status, {**_job_headers(record, wait), **(headers or {})})


def _job_headers(record: JobRecord, wait: Waiting | None) -> dict[str, str]:
    headers = {"ETag": entity_tag(record.revision), "Cache-Control": "no-cache"}
    if not record.status.final:
        headers["Retry-After"] = str(POLL_SECONDS)
    return headers | (wait.headers if wait else {})


def _json(content: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(content, status, headers, media_type="application/json")


def _root(request: Request) -> str:
    """A proxy's prefix, in front of every path that a client is given."""
    return str(request.scope.get("root_path", ""))
