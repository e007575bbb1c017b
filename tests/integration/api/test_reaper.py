import asyncio
import json
import os
from collections.abc import Callable, Coroutine
from typing import Any

import redis
import structlog.testing

from service.background import in_background
from service.dispatch import Dispatcher
from service.reaper import ABANDONED_SECONDS, Reaper
from service.store.artifacts import ArtifactStore
from service.store.jobs import BlockingJobStore, JobStore
from service.store.settings import StoreSettings
from tests.support.jobs import finished, queued
from tests.support.uploads import registered, write_upload
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


def test_expired_uploads_go_with_their_files(store: BlockingJobStore, store_settings: StoreSettings) -> None:
    brief = store_settings.model_copy(update={"upload_retention_seconds": 0.001})
    artifacts = ArtifactStore(store_settings.data_dir / "artifacts")
    expired, kept = write_upload(artifacts, b"expired"), write_upload(artifacts, b"kept")
    registered(store, brief, b"expired", file=expired)
    registered(store, store_settings, b"kept", file=kept)

    def only_one_left() -> bool:
        work(brief, Reaper.expire_uploads)
        return [name for _, name in artifacts.old_uploads(0)] == [kept]

    wait_until(only_one_left, what="the expired upload's file to go")


def test_what_killed_processes_left_of_uploads_is_swept_once_it_is_old(
    store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    # Given files with and without a record, and some that were still arriving, some old and some young
    folder = store_settings.data_dir / "artifacts"
    artifacts = ArtifactStore(folder)
    kept, orphan, young = (write_upload(artifacts, content) for content in (b"kept", b"orphan", b"young"))
    registered(store, store_settings, b"kept", file=kept)
    broken_off, arriving = artifacts.incoming(), artifacts.incoming()
    arriving.write([bytes(2**20)])
    (empty,) = (path for path in (folder / ".incoming").iterdir() if path.stat().st_size == 0)
    for path in (folder / kept, folder / orphan, empty):
        os.utime(path, (0, path.stat().st_mtime - ABANDONED_SECONDS - 1))

    # When they are swept
    work(store_settings, Reaper.sweep_uploads)

    # Then what nobody names and nobody can still be working on is gone
    assert {name for _, name in artifacts.old_uploads(0)} == {kept, young}
    assert [path.stat().st_size for path in (folder / ".incoming").iterdir()] == [2**20]
    for file in (broken_off, arriving):
        file.discard()


def test_a_reaper_goes_on_after_a_step_that_failed(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    hasty = store_settings.model_copy(update={"resend_seconds": 0.001})
    job_id = queued(store, hasty)
    request = {"device": "auto"}
    raw_redis.hset(f"gradient-clinic:job:{job_id}", "request", json.dumps(request))
    raw_redis.zadd("gradient-clinic:due", {"job_of_nobody": 0})  # makes every reap fail

    async def work_through_it(reaper: Reaper) -> None:
        async with in_background(*reaper.duties()):
            await asyncio.to_thread(wait_until, lambda: failures(), what="a step to fail")
            raw_redis.zrem("gradient-clinic:due", "job_of_nobody")
            await asyncio.to_thread(wait_until, lambda: job_id in message(), what="the message")

    def message() -> str:
        return str(raw_redis.lindex("gradient-clinic", 0))

    with structlog.testing.capture_logs() as logged:

        def failures() -> list[Any]:
            return [entry for entry in logged if entry["event"] == "reaper step failed"]

        work(hasty, work_through_it)
