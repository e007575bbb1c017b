"""The files that a job works on, by the names that its code knows them by."""

from collections.abc import Callable
from typing import BinaryIO

from service.contract.data_spec import UploadData
from service.contract.job import JobRequest
from service.contract.model_spec import UploadedModel
from service.contract.upload import UploadKind
from service.store.records import UploadKey

CHECKPOINT = "checkpoint"
"""The network."""
DATASET = "dataset"
"""Its data."""

OpenFile = Callable[[str], BinaryIO]
"""Opens one of the files by its name, for reading."""


def no_files(name: str) -> BinaryIO:
    """Of a job that works on none."""
    raise FileNotFoundError(name)


def uploads_of(request: JobRequest) -> dict[str, UploadKey]:
    """The uploads that a job works on."""
    uploads = {}
    if isinstance(request.model, UploadedModel):
        uploads[CHECKPOINT] = UploadKey(UploadKind.CHECKPOINT, request.model.checkpoint)
    if isinstance(request.data, UploadData):
        uploads[DATASET] = UploadKey(UploadKind.DATASET, request.data.dataset)
    return uploads
