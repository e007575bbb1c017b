"""The uploads that a job request names."""

from collections.abc import Collection

from service.contract.data_spec import UploadData
from service.contract.errors import FieldProblem
from service.contract.job import JobRequest
from service.contract.model_spec import UploadedModel
from service.contract.upload import UploadKind
from service.problems import InvalidRequestProblem
from service.store.records import UploadKey
from service.uploads.resources import RESOURCES


def used_uploads(request: JobRequest) -> dict[UploadKey, str]:
    """What the job needs, with the JSON Pointer of the place that names it."""
    uploads = {}
    if isinstance(request.model, UploadedModel):
        uploads[UploadKey(UploadKind.CHECKPOINT, request.model.checkpoint)] = "/model/checkpoint"
    if isinstance(request.data, UploadData):
        uploads[UploadKey(UploadKind.DATASET, request.data.dataset)] = "/data/dataset"
    return uploads


def missing_uploads(request: JobRequest, missing: Collection[str]) -> InvalidRequestProblem:
    """The refusal of a job of whose uploads these, as `str(UploadKey)`, are not kept."""
    return InvalidRequestProblem.of(
        [
            FieldProblem(
                pointer=pointer,
                detail=f"there is no such {key.kind}, or its time was over: "
                f"upload it with POST {RESOURCES[key.kind].path}",
            )
            for key, pointer in used_uploads(request).items()
            if str(key) in missing
        ]
    )
