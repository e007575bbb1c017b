"""One real worker with the real pipeline for all tests of a file: it starts once and takes many jobs."""

from collections.abc import Iterator

import pytest

from service.store.artifacts import ArtifactStore
from service.store.embedded_redis import EmbeddedRedis
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.support.workers import Jobs, WorkerProcess, worker


@pytest.fixture(scope="module")
def worker_settings(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreSettings]:
    data_dir = tmp_path_factory.mktemp("worker")
    with EmbeddedRedis(data_dir) as server:
        yield StoreSettings(redis_url=server.url, data_dir=data_dir)


@pytest.fixture(scope="module")
def running_worker(worker_settings: StoreSettings) -> Iterator[WorkerProcess]:
    with worker(worker_settings, "workers.app") as process:
        yield process


@pytest.fixture(scope="module")
def jobs(worker_settings: StoreSettings, running_worker: WorkerProcess) -> Iterator[Jobs]:
    with BlockingJobStore(worker_settings.redis_url) as store:
        client = Jobs(store, worker_settings)
        yield client
        client.close()


@pytest.fixture
def artifacts(worker_settings: StoreSettings) -> ArtifactStore:
    return ArtifactStore(worker_settings.data_dir / "artifacts")
