"""What the OpenAPI document says about jobs beyond signatures. Options for FastAPI's route decorators."""

from typing import Any

from service.contract.diagnosis import Diagnosis
from service.contract.job import Job, JobList
from service.jobs.errors import (
    ArtifactMissingError,
    JobFailedError,
    JobFinishedError,
    JobGoneError,
    JobNotFinalError,
    JobNotFoundError,
    KeyReusedError,
    QueueFullError,
    TraceMissingError,
)
from service.jobs.trace import JSON, NPZ
from service.openapi import header, problems
from service.problems import (
    ContentTooLargeError,
    InvalidRequestProblem,
    MalformedJsonError,
    RequestTimeoutError,
    UnavailableError,
    UnsupportedMediaTypeError,
)

Options = dict[str, Any]

ARTICLE = {
    "model": {
        "kind": "spec",
        "layers": [
            {"op": "flatten"},
            {
                "op": "repeat",
                "times": 20,
                "layers": [
                    {"op": "linear", "units": 64, "init": "xavier_normal"},
                    {"op": "activation", "function": "sigmoid"},
                ],
            },
            {"op": "linear", "units": "targets"},
        ],
    },
    "data": {"kind": "builtin", "name": "digits"},
    "training": {"optimizer": "sgd", "learning_rate": 0.05, "batch_size": 64, "steps": 200, "seed": 0},
    "metadata": {"commit": "abc123"},
}
"""The textbook case: 20 sigmoid layers lose their gradient."""

HEALTHY = {
    "model": {
        "kind": "template",
        "template": "cnn",
        "channels": 16,
        "depth": 4,
        "activation": "relu",
        "init": "he_normal",
    },
    "data": {"kind": "builtin", "name": "digits"},
    "training": {"optimizer": "adam", "learning_rate": 0.001},
}
"""A convolutional network that trains."""

_FILE = "sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"
UPLOADED = {
    "model": {"kind": "torchscript", "checkpoint": _FILE},
    "data": {"kind": "upload", "dataset": _FILE, "inputs": "images", "targets": "labels"},
    "training": {"optimizer": "adam", "learning_rate": 0.001},
}
"""Files that were uploaded before."""

_TAG = header("Strong entity tag of the job's present state.", '"3"')
_RETRY = header("Seconds until asking again makes sense; absent once the job is final.", "1")
_PREFERENCE = header("The wait that was granted, if one was asked for.", "wait=10")
_LOCATION = header("The job.", "/v1/jobs/job_01JD7G4Q3V8W1Z6X2N5T9R0KCE")
_STATE = {"ETag": _TAG, "Retry-After": _RETRY}


def _parameter(name: str, description: str, example: str) -> dict[str, Any]:
    schema = {"type": "string"}
    return {"name": name, "in": "header", "required": False, "description": description, "schema": schema} | {
        "example": example
    }


_PREFER = _parameter(
    "Prefer", "`wait=N` (RFC 7240): answer when the job is final, after N seconds at most.", "wait=10"
)
_IF_NONE_MATCH = _parameter(
    "If-None-Match", "The entity tag of the state that is known already: 304 if it still is.", '"3"'
)
_KEY = _parameter(
    "Idempotency-Key",
    "1 to 255 printable ASCII characters of your choice. For 24 hours the same key with the same body, byte "
    "for byte, answers with the same job, and with another body 422.",
    "0f9a3c1e-5a1b-4a53-9f6d-2f4f0d6a1a77",
)

_MISSING = (JobNotFoundError, JobGoneError, UnavailableError)

SUBMIT: Options = {
    "response_model": None,
    "status_code": 202,
    "responses": {
        200: {
            "model": Job,
            "description": "The job is final already: waited for, or a repeated request.",
            "headers": {"ETag": _TAG, "Location": _LOCATION, "Preference-Applied": _PREFERENCE},
        },
        202: {
            "model": Job,
            "description": "Accepted.",
            "headers": {**_STATE, "Location": _LOCATION, "Preference-Applied": _PREFERENCE},
        },
        **problems(
            MalformedJsonError,
            RequestTimeoutError,
            JobGoneError,
            ContentTooLargeError,
            UnsupportedMediaTypeError,
            InvalidRequestProblem,
            KeyReusedError,
            QueueFullError,
            UnavailableError,
        ),
    },
    "openapi_extra": {
        "parameters": [_KEY, _PREFER],
        "requestBody": {
            "required": True,
            "content": {
                JSON: {
                    "schema": {"$ref": "#/components/schemas/JobRequest"},
                    "examples": {
                        "vanishing": {"summary": "20 sigmoid layers: the textbook case", "value": ARTICLE},
                        "healthy": {"summary": "A convolutional network that trains", "value": HEALTHY},
                        "uploaded": {
                            "summary": "Your own network and data",
                            "value": UPLOADED,
                        },
                    },
                }
            },
        },
    },
}

LIST: Options = {
    "response_model": None,
    "responses": {
        200: {"model": JobList, "description": "A page of jobs."},
        **problems(InvalidRequestProblem, UnavailableError),
    },
}

GET: Options = {
    "response_model": None,
    "responses": {
        200: {
            "model": Job,
            "description": "The job as it is now.",
            "headers": {**_STATE, "Preference-Applied": _PREFERENCE},
        },
        304: {"description": "The job is still as `If-None-Match` says.", "headers": _STATE},
        **problems(*_MISSING, InvalidRequestProblem),
    },
    "openapi_extra": {"parameters": [_PREFER, _IF_NONE_MATCH]},
}

DIAGNOSIS: Options = {
    "response_model": None,
    "responses": {
        200: {"model": Diagnosis, "description": "The diagnosis.", "headers": {"ETag": _TAG}},
        304: {"description": "The diagnosis is still as `If-None-Match` says."},
        **problems(*_MISSING, JobNotFinalError, JobFailedError),
    },
    "openapi_extra": {"parameters": [_IF_NONE_MATCH]},
}

TRACE: Options = {
    "response_model": None,
    "responses": {
        200: {
            "description": "The measurements.",
            "content": {
                NPZ: {"schema": {"type": "string", "format": "binary"}},
                JSON: {"schema": {"type": "object"}},
            },
        },
        **problems(*_MISSING, JobNotFinalError, JobFailedError, TraceMissingError),
    },
}

BINARY = "application/octet-stream"

ARTIFACT: Options = {
    "response_model": None,
    "responses": {
        200: {
            "description": "The file.",
            "content": {BINARY: {"schema": {"type": "string", "format": "binary"}}},
        },
        **problems(*_MISSING, JobNotFinalError, JobFailedError, ArtifactMissingError),
    },
}

CANCEL: Options = {
    "response_model": None,
    "responses": {
        200: {"model": Job, "description": "The job is cancelled."},
        202: {"model": Job, "description": "The job is being cancelled."},
        **problems(*_MISSING, JobFinishedError),
    },
}

DELETE: Options = {
    "response_model": None,
    "status_code": 204,
    "responses": {204: {"description": "The job is removed."}, **problems(*_MISSING, JobNotFinalError)},
}
