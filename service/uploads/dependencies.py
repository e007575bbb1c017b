"""What the endpoints of uploads ask for."""

from collections.abc import AsyncIterator
from typing import Annotated

from fastapi import Depends, Path, Query, Request
from pydantic import Field

from service.contract.base import Contract
from service.jobs.dependencies import Configuration
from service.limits import BodyTooLarge, stream_body
from service.problems import ContentTooLargeError, RequestTimeoutError, UnsupportedMediaTypeError
from service.settings import Settings
from service.uploads.digests import expected_digests
from service.uploads.service import UploadService

ACCEPTED_TYPES = (
    "application/octet-stream",
    "application/zip",
    "application/x-zip-compressed",
    "application/x-npz",
    "application/x-www-form-urlencoded",  # what `curl --data-binary` says of any file
)


class UploadListQuery(Contract):
    """Query of a list of uploads."""

    limit: int = Field(default=20, ge=1, le=100)
    """Uploads per page."""
    after: str | None = Field(default=None, max_length=200)
    """`next_cursor` of the page before; opaque."""


async def _uploads(request: Request) -> UploadService:
    uploads: UploadService = request.app.state.uploads
    return uploads


async def _file_body(request: Request, settings: Configuration) -> AsyncIterator[bytes]:
    """The body of a request that must be a file: nothing of it is read yet."""
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type and media_type not in ACCEPTED_TYPES:
        raise UnsupportedMediaTypeError(
            _why_not(media_type, str(request.url)), headers={"Accept": ", ".join(ACCEPTED_TYPES[:2])}
        )
    if request.headers.get("content-encoding", "identity").lower() != "identity":
        raise UnsupportedMediaTypeError("send the file without Content-Encoding")
    return _chunks(request, settings)


async def _digests(request: Request) -> dict[str, str]:
    return expected_digests(request)


UploadId = Annotated[
    str,
    Path(
        description="The upload's `id`.",
        examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]
UploadQuery = Annotated[UploadListQuery, Query()]
Uploads = Annotated[UploadService, Depends(_uploads)]
FileBody = Annotated[AsyncIterator[bytes], Depends(_file_body)]
Digests = Annotated[dict[str, str], Depends(_digests)]


def _why_not(media_type: str, url: str) -> str:
    if media_type.startswith("multipart/"):
        return f"send the file itself as the body, not a form that holds it: curl --data-binary @FILE {url}"
    return f"send the file with Content-Type: application/octet-stream or none, not {media_type[:100]}"


async def _chunks(request: Request, settings: Settings) -> AsyncIterator[bytes]:
    limit, idle = settings.upload_bytes, settings.upload_idle_seconds
    try:
        async for chunk in stream_body(request, limit, idle):
            yield chunk
    except BodyTooLarge:
        raise ContentTooLargeError(f"the largest accepted file has {limit} bytes") from None
    except TimeoutError:
        raise RequestTimeoutError(f"nothing of the file came for {idle:g} seconds") from None
