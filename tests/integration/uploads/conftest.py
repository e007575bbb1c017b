"""A client that uploads files and submits jobs for them."""

from collections.abc import Iterator

import pytest

from service.contract.job import JobRequest
from service.store import commands
from service.store.artifacts import ArtifactStore
from service.store.ids import new_job_id
from service.store.jobs import BlockingJobStore
from service.store.records import NewJob
from service.store.settings import StoreSettings
from tests.support.uploads import registered, upload_id, write_upload
from tests.support.workers import Jobs
from workers.files import uploads_of


class UploadingJobs(Jobs):
    """What the front does with uploads and the jobs that use them, without HTTP."""

    def __init__(self, store: BlockingJobStore, settings: StoreSettings) -> None:
        super().__init__(store, settings)
        self._artifacts = ArtifactStore(settings.data_dir / "artifacts")

    def submit(self, request: JobRequest, **files: bytes) -> str:
        """`files`: the content of `checkpoint` and `dataset`."""
        for name, key in uploads_of(request).items():
            artifact = write_upload(self._artifacts, files[name])
            registered(self._store, self._settings, files[name], key.kind, artifact)
        job = NewJob(
            id=new_job_id(),
            request_json=request.model_dump_json(),
            expanded_json="null",
            caller="tester",
            uploads=tuple(uploads_of(request).values()),
        )
        assert self._store.execute(commands.submit(job, self._settings)).outcome == "created"
        self._send(job.id)
        return job.id

    @staticmethod
    def checkpoint_id(content: bytes) -> str:
        return upload_id(content)


@pytest.fixture
def jobs(store: BlockingJobStore, store_settings: StoreSettings) -> Iterator[UploadingJobs]:
    client = UploadingJobs(store, store_settings)
    yield client
    client.close()
