"""What the OpenAPI document says about uploads. Options for FastAPI's route decorators."""

from typing import Any

from service.contract.upload import Upload, UploadList
from service.openapi import header, problems
from service.problems import (
    ContentTooLargeError,
    InsufficientStorageError,
    InvalidRequestProblem,
    RequestTimeoutError,
    UnavailableError,
    UnsupportedMediaTypeError,
)
from service.uploads.dependencies import ACCEPTED_TYPES
from service.uploads.digests import DIGEST_HEADERS
from service.uploads.errors import (
    DigestMismatchError,
    EmptyUploadError,
    UploadInUseError,
    UploadNotFoundError,
)
from service.uploads.resources import Resource

Options = dict[str, Any]

_DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
_TAG = header("Strong entity tag of the upload's present state.", f'"{_DIGEST}.0.1795475533123"')
_BINARY = {"schema": {"type": "string", "format": "binary"}}
_MISSING = (UploadNotFoundError, UnavailableError)


def upload(resource: Resource) -> Options:
    """POST of a file."""
    location = header("The upload.", f"{resource.path}/sha256:{_DIGEST}")
    headers = {"ETag": _TAG, "Location": location}
    return _named(f"upload_{resource.kind}", f"Upload a {resource.kind}", _about_upload(resource)) | {
        "status_code": 201,
        "responses": {
            201: {**_answer(resource, "The file is kept."), "headers": headers},
            200: {
                **_answer(resource, "This content is known already: its time begins anew."),
                "headers": headers,
            },
            **problems(
                EmptyUploadError,
                DigestMismatchError,
                RequestTimeoutError,
                ContentTooLargeError,
                UnsupportedMediaTypeError,
                InvalidRequestProblem,
                UnavailableError,
                InsufficientStorageError,
            ),
        },
        "openapi_extra": {
            "parameters": [_digest_parameter(name) for name in DIGEST_HEADERS],
            "requestBody": {
                "description": f"The file itself, byte for byte: {resource.what}.",
                "required": True,
                "content": dict.fromkeys(ACCEPTED_TYPES[:2], _BINARY),
            },
        },
    }


def list_all(resource: Resource) -> Options:
    """GET of the list."""
    about = f"The {resource.plural} that are kept, newest first."
    return _named(f"list_{resource.plural}", f"List {resource.plural}", about) | {
        "responses": {
            200: {"model": UploadList, "description": "A page of uploads."},
            **problems(InvalidRequestProblem, UnavailableError),
        },
    }


def get(resource: Resource) -> Options:
    """GET of one."""
    about = "What is known of a file without opening it, until when it is kept, and how many jobs need it."
    return _named(f"get_{resource.kind}", f"Get a {resource.kind}", about) | {
        "responses": {
            200: {**_answer(resource, "The upload as it is now."), "headers": {"ETag": _TAG}},
            304: {"description": "The upload is still as `If-None-Match` says.", "headers": {"ETag": _TAG}},
            **problems(*_MISSING),
        },
        "openapi_extra": {"parameters": [_IF_NONE_MATCH]},
    }


def delete(resource: Resource) -> Options:
    """DELETE of one."""
    about = "Remove a file at once, not at `expires_at`. A job that has ended does not need it any more."
    return _named(f"delete_{resource.kind}", f"Delete a {resource.kind}", about) | {
        "status_code": 204,
        "responses": {204: {"description": "The file is removed."}, **problems(*_MISSING, UploadInUseError)},
    }


def _named(name: str, summary: str, description: str) -> Options:
    return {"name": name, "summary": summary, "description": description, "response_model": None}


def _about_upload(resource: Resource) -> str:
    return (
        f"Bring {resource.what}. The body is the file: `{resource.curl}`. It is stored and named by its "
        "SHA-256, and looked at only by a job that uses it, in isolation: what is wrong with it is that "
        "job's `error`.\n\n"
        "The same content sent again is the same upload. It is removed at `expires_at`, which each upload "
        "and each use postpones, and never while an unfinished job uses it."
    )


def _answer(resource: Resource, description: str) -> dict[str, Any]:
    example = {
        "id": f"sha256:{_DIGEST}",
        "kind": resource.kind.value,
        "size_bytes": 46_830_571,
        "created_at": "2026-11-23T23:12:13.123Z",
        "expires_at": "2026-11-30T23:12:13.123Z",
        "jobs": 0,
    }
    return {
        "model": Upload,
        "description": description,
        "content": {"application/json": {"example": example}},
    }


def _digest_parameter(name: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": "SHA-256 of the body (RFC 9530). If it does not match, nothing is kept.",
        "schema": {"type": "string"},
        "example": "sha-256=:n4bQgYhMfWWaL+qgxVrQFaO/TxsrC4Is0V1sFbDwCgg=:",
    }


_IF_NONE_MATCH = {
    "name": "If-None-Match",
    "in": "header",
    "required": False,
    "description": "The entity tag of the state that is known already: 304 if it still is.",
    "schema": {"type": "string"},
    "example": _TAG["example"],
}
