"""The resources `/v1/checkpoints` and `/v1/datasets`: the same four operations on each."""

from fastapi import APIRouter, Request, Response

from service.jobs.headers import is_known
from service.store.records import UploadRecord
from service.uploads import openapi
from service.uploads.dependencies import Digests, FileBody, UploadId, UploadQuery, Uploads
from service.uploads.documents import list_document, upload_document, upload_tag
from service.uploads.resources import RESOURCES, Resource


def _router(resource: Resource) -> APIRouter:
    router = APIRouter(prefix=resource.path, tags=[resource.plural])
    kind = resource.kind

    @router.post("", **openapi.upload(resource))
    async def upload(request: Request, body: FileBody, digests: Digests, uploads: Uploads) -> Response:
        registration = await uploads.receive(kind, body, digests)
        record = registration.record
        location = f"{request.scope.get('root_path', '')}{resource.path}/{record.id}"
        return _upload(record, 201 if registration.outcome == "created" else 200, {"Location": location})

    @router.get("", **openapi.list_all(resource))
    async def list_all(query: UploadQuery, uploads: Uploads) -> Response:
        page = list_document(await uploads.page(kind, query.limit, query.after))
        return Response(page.model_dump_json(), media_type="application/json")

    @router.get("/{upload_id}", **openapi.get(resource))
    async def get(request: Request, upload_id: UploadId, uploads: Uploads) -> Response:
        record = await uploads.read(kind, upload_id)
        if is_known(request, upload_tag(record)):
            return Response(status_code=304, headers=_headers(record))
        return _upload(record)

    @router.delete("/{upload_id}", **openapi.delete(resource))
    async def delete(upload_id: UploadId, uploads: Uploads) -> Response:
        await uploads.delete(kind, upload_id)
        return Response(status_code=204)

    return router


ROUTERS = tuple(_router(resource) for resource in RESOURCES.values())
"""A router for each resource."""


def _upload(record: UploadRecord, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = upload_document(record).model_dump_json()
    return Response(content, status, _headers(record) | (headers or {}), media_type="application/json")


def _headers(record: UploadRecord) -> dict[str, str]:
    return {"ETag": upload_tag(record), "Cache-Control": "no-cache"}
