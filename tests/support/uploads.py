"""Uploads for tests of the store and of what is built on it."""

import hashlib

from service.contract.upload import UploadKind
from service.store import upload_commands
from service.store.artifacts import ArtifactStore, new_upload_name
from service.store.jobs import BlockingJobStore
from service.store.records import Registration, UploadKey, UploadRecord
from service.store.settings import StoreSettings

CHECKPOINT, DATASET = UploadKind.CHECKPOINT, UploadKind.DATASET


def upload_id(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"


def registered(
    store: BlockingJobStore,
    settings: StoreSettings,
    content: bytes,
    kind: UploadKind = CHECKPOINT,
    file: str = "",
) -> Registration:
    """What the store answers to another upload of `content`; without a `file`, nobody wrote it."""
    name = file or new_upload_name(hashlib.sha256(content).hexdigest())
    key = UploadKey(kind, upload_id(content))
    return store.execute(upload_commands.register_upload(key, name, len(content), settings))


def upload_key(record: UploadRecord) -> UploadKey:
    return UploadKey(record.kind, record.id)


def write_upload(artifacts: ArtifactStore, content: bytes) -> str:
    """Keep a file as an upload whose record is not there yet; its artifact name."""
    with artifacts.incoming() as file:
        file.write([content])
        name = new_upload_name(file.sha256)
        artifacts.keep(file, name)
    return name
