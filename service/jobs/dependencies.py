"""What the endpoints of jobs ask for.

All `async def`, though some wait for nothing: FastAPI runs plain functions in a thread, which costs a poll
more than all the rest.
"""

from typing import Annotated, NamedTuple

from fastapi import Depends, Path, Query, Request

from service.jobs.headers import WaitQuery, wait_seconds
from service.jobs.service import JobService
from service.limits import BodyTooLarge, read_body
from service.problems import ContentTooLargeError, RequestTimeoutError, UnsupportedMediaTypeError
from service.settings import Settings


async def _settings(request: Request) -> Settings:
    settings: Settings = request.app.state.settings
    return settings


async def _jobs(request: Request) -> JobService:
    jobs: JobService = request.app.state.jobs
    return jobs


FileName = Annotated[str, Path(description="Name of the file.", examples=["network.safetensors"])]
JobId = Annotated[str, Path(description="The job's `id`.", examples=["job_01JD7G4Q3V8W1Z6X2N5T9R0KCE"])]
Configuration = Annotated[Settings, Depends(_settings)]
Jobs = Annotated[JobService, Depends(_jobs)]


class Waiting(NamedTuple):
    """How long a client wants to wait."""

    seconds: float
    asked: bool
    """Whether it said so; then the answer says what was granted."""

    @property
    def headers(self) -> dict[str, str]:
        return {"Preference-Applied": f"wait={self.seconds:g}"} if self.asked else {}


async def _waiting(
    request: Request, query: Annotated[WaitQuery, Query()], settings: Configuration
) -> Waiting:
    seconds = wait_seconds(request, query, settings.max_wait_seconds)
    return Waiting(seconds or 0.0, seconds is not None)


Wait = Annotated[Waiting, Depends(_waiting)]


async def _json_body(request: Request, settings: Configuration) -> bytes:
    """The body of a request that must be JSON."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type != "application/json":
        raise UnsupportedMediaTypeError(
            f"send JSON with Content-Type: application/json, not {media_type[:100] or 'without a type'}",
            headers={"Accept": "application/json"},
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaTypeError("send the body without Content-Encoding")
    try:
        return await read_body(request, settings.body_bytes, settings.body_seconds)
    except BodyTooLarge:
        raise ContentTooLargeError(f"the largest accepted body has {settings.body_bytes} bytes") from None
    except TimeoutError:
        raise RequestTimeoutError(
            f"the body was not complete after {settings.body_seconds:g} seconds"
        ) from None


JsonBody = Annotated[bytes, Depends(_json_body)]
