"""What describes a hostile file."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from service.contract.errors import ErrorCode
from service.contract.upload import UploadFormat

Stage = Literal["read", "rebuild", "training", "limits", "nothing"]
"""What ends it: the reading of the file, before anything is built from it; the building of the network, or
the budgets of its forward pass; autograd, which finds that what it kept was changed; the limits of the job's
process. Or `nothing`: it runs, and does no harm."""


@dataclass(frozen=True)
class Hostile:
    """A file that is made to do harm. It is only written here; nobody but a confined job opens it."""

    name: str
    tries: str
    """The harm that it tries to do."""
    make: Callable[[Path], bytes]
    """Its bytes. The path names a canary: a file that must stay as it is, and unread."""
    stopped_by: Stage
    code: ErrorCode | None
    """How a job that uses it ends; None: as if it were harmless, since it is."""
    says: str = ""
    """Part of the reason that is given."""
    format: UploadFormat = "torchscript"
