"""Files that clients bring: networks and data sets."""

from datetime import datetime
from enum import StrEnum
from typing import Annotated, Literal

from pydantic import Field

from service.contract.base import Contract

UploadId = Annotated[
    str,
    Field(
        pattern=r"^sha256:[0-9a-f]{64}$",
        examples=["sha256:9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"],
    ),
]
"""Names a file by the SHA-256 of its bytes."""


class UploadKind(StrEnum):
    """What a file is used as. One file may be both; each use has its own record."""

    CHECKPOINT = "checkpoint"
    DATASET = "dataset"


class Upload(Contract):
    """A file that was uploaded. Its content is looked at only by a job that uses it, in isolation."""

    id: UploadId
    """`sha256:` and the SHA-256 of its bytes: the same content always has the same id."""
    kind: UploadKind
    """What it can be used as."""
    size_bytes: int = Field(ge=0)
    """Its size."""
    created_at: datetime
    """When it was first uploaded, UTC."""
    expires_at: datetime
    """When it is removed, UTC, unless an unfinished job uses it. Each upload and use postpones it."""
    jobs: int = Field(ge=0)
    """Number of unfinished jobs that use it. While there are any, it is not removed and cannot be."""


class UploadList(Contract):
    """A page of uploads, newest first."""

    data: list[Upload]
    """The uploads."""
    has_more: bool
    """Whether older ones follow."""
    next_cursor: str | None = None
    """Give it as `after` to get the next page."""


UploadFormat = Literal["torchscript", "exported", "npz", "safetensors"]
"""Formats that a job can read."""
