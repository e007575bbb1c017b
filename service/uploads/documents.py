"""From what the store keeps of uploads to what clients read."""

from service.contract.upload import Upload, UploadList
from service.store.records import UploadPage, UploadRecord


def upload_document(record: UploadRecord) -> Upload:
    """The contract's `Upload`."""
    return Upload(
        id=record.id,
        kind=record.kind,
        size_bytes=record.size_bytes,
        created_at=record.created_at,
        expires_at=record.expires_at,
        jobs=record.jobs,
    )


def list_document(page: UploadPage) -> UploadList:
    """The contract's `UploadList`."""
    return UploadList(
        data=[upload_document(record) for record in page.records],
        has_more=page.has_more,
        next_cursor=page.next_cursor,
    )


def upload_tag(record: UploadRecord) -> str:
    """The strong entity tag of what clients read: the content's digest, and what else can change."""
    digest = record.id.removeprefix("sha256:")
    return f'"{digest}.{record.jobs}.{round(record.expires_at.timestamp() * 1000)}"'
