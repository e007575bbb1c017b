import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import redis

from service.dispatch import Dispatcher
from service.reaper import Reaper
from service.store.artifacts import ArtifactStore
from service.store.jobs import BlockingJobStore, JobStore
from service.store.settings import StoreSettings
from tests.support.jobs import finished
from tests.support.waiting import wait_until


def work(settings: StoreSettings, step: Callable[[Reaper], Coroutine[Any, Any, None]]) -> None:
    """Let a reaper do one of its steps."""

    async def run() -> None:
        dispatcher = Dispatcher(settings.redis_url)
        async with JobStore(settings.redis_url) as store:
            await step(Reaper(store, dispatcher, ArtifactStore(settings.data_dir / "artifacts"), settings))
        dispatcher.close()

    asyncio.run(run())


def keep_a_file(settings: StoreSettings, job_id: str) -> ArtifactStore:
    artifacts = ArtifactStore(settings.data_dir / "artifacts")
    settings.data_dir.mkdir(exist_ok=True)
    source = settings.data_dir / "file"
    source.write_bytes(b"measured")
    artifacts.put_file(f"jobs/{job_id}/trace-1.npz", source)
    return artifacts


def test_expired_jobs_go_with_their_files(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    brief = store_settings.model_copy(update={"retention_seconds": 0.001})
    expired, kept = finished(store, brief), finished(store, store_settings)
    keep_a_file(brief, expired)
    artifacts = keep_a_file(brief, kept)

    def only_one_left() -> bool:
        work(brief, Reaper.expire)
        return list(artifacts.job_ids()) == [kept]

    wait_until(only_one_left, what="the expired job's files to go")


def test_files_that_belong_to_no_job_are_swept(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    kept = finished(store, store_settings)
    keep_a_file(store_settings, "job_01JD7G4Q3V8W1Z6X2N5T9R0KCE")
    artifacts = keep_a_file(store_settings, kept)
    work(store_settings, Reaper.sweep)
    assert list(artifacts.job_ids()) == [kept]


def test_a_reaper_survives_a_job_it_cannot_understand(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    raw_redis.zadd("gradient-clinic:due", {"job_of_nobody": 0})

    async def work_for_a_while(reaper: Reaper) -> None:
        task = asyncio.create_task(reaper.run())
        await asyncio.sleep(0.1)
        assert not task.done()
        task.cancel()

    work(store_settings, work_for_a_while)
