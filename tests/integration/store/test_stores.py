"""The two stores: servers that restart, forget scripts or are gone; and the news of changes."""

import asyncio
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import redis

from service.contract.job import JobState
from service.store import commands
from service.store.command import Command
from service.store.embedded_redis import EmbeddedRedis
from service.store.errors import StoreUnavailableError
from service.store.jobs import BlockingJobStore, JobStore
from service.store.settings import StoreSettings
from tests.support import jobs

NOWHERE = "redis://127.0.0.1:1/0"  # port 1 is nobody's


@pytest.fixture
def own_server(tmp_path: Path) -> Iterator[EmbeddedRedis]:
    """A server that a test may stop and kill."""
    with EmbeddedRedis(tmp_path) as server:
        yield server


def test_a_server_that_forgot_the_scripts_learns_them_again(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    jobs.finished(store, store_settings)

    raw_redis.script_flush()

    assert jobs.record_of(store, jobs.finished(store, store_settings)).status == JobState.SUCCEEDED


def test_scripts_are_sent_once_only(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    raw_redis.config_resetstat()
    for _ in range(5):
        jobs.queued(store, store_settings)

    statistics = raw_redis.info("commandstats")
    assert statistics["cmdstat_evalsha"]["calls"] >= 5
    assert statistics.get("cmdstat_eval", {"calls": 0})["calls"] <= 1


def test_many_commands_at_once_share_few_connections(
    store: BlockingJobStore, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    job_id = jobs.queued(store, store_settings)
    read = commands.read(job_id)

    async def ask() -> list[object]:
        async with JobStore(store_settings.redis_url) as asynchronous:
            return list(await asyncio.gather(*(asynchronous.execute(read) for _ in range(400))))

    with ThreadPoolExecutor(120) as pool:
        answers = asyncio.run(ask()) + list(pool.map(lambda _: store.execute(read), range(400)))

    assert answers == [jobs.record_of(store, job_id)] * 800
    assert raw_redis.info("clients")["connected_clients"] < 40


def test_a_restart_keeps_jobs_and_the_same_store_goes_on(own_server: EmbeddedRedis, tmp_path: Path) -> None:
    settings = StoreSettings(redis_url=own_server.url, data_dir=tmp_path)
    with BlockingJobStore(own_server.url) as store:
        job_id = jobs.running(store, settings)
        before = jobs.record_of(store, job_id)

        own_server.stop()
        own_server.start()

        assert jobs.record_of(store, job_id) == before
        assert store.execute(commands.finish(job_id, 1, JobState.SUCCEEDED))


def test_an_asynchronous_store_goes_on_after_a_restart(own_server: EmbeddedRedis, tmp_path: Path) -> None:
    settings = StoreSettings(redis_url=own_server.url, data_dir=tmp_path)

    async def scenario() -> None:
        async with JobStore(own_server.url) as store:
            await store.ping()
            job = jobs.new_job()
            assert (await store.execute(commands.submit(job, settings))).outcome == "created"
            own_server.stop()
            own_server.start()
            assert await store.execute(commands.cancel(job.id)) == "cancelled"

    asyncio.run(scenario())


def test_a_server_that_is_gone_is_one_clear_error() -> None:
    async def ask() -> None:
        async with JobStore(NOWHERE, retries=0) as store:
            with pytest.raises(StoreUnavailableError):
                await store.execute(commands.read("job"))
            with pytest.raises(StoreUnavailableError):
                await store.ping()
            with pytest.raises(StoreUnavailableError):
                async with store.changes():
                    pass

    asyncio.run(ask())
    with BlockingJobStore(NOWHERE, retries=0) as store:
        with pytest.raises(StoreUnavailableError):
            store.execute(commands.read("job"))
        with pytest.raises(StoreUnavailableError):
            store.ping()


def test_a_full_redis_refuses_a_job_as_a_whole(own_server: EmbeddedRedis, tmp_path: Path) -> None:
    settings = StoreSettings(redis_url=own_server.url, data_dir=tmp_path)
    with BlockingJobStore(own_server.url) as store, redis.Redis.from_url(own_server.url) as raw:
        kept = jobs.queued(store, settings)
        keys = set(raw.scan_iter())
        raw.config_set("maxmemory", 1)

        with pytest.raises(StoreUnavailableError):
            store.execute(commands.submit(jobs.new_job(key="key"), settings))

        assert set(raw.scan_iter()) == keys
        assert jobs.record_of(store, kept).status == JobState.QUEUED


def test_each_change_is_told_once_it_can_be_read(
    redis_server: EmbeddedRedis, store_settings: StoreSettings, raw_redis: redis.Redis
) -> None:
    async def scenario() -> None:
        async with JobStore(redis_server.url) as store, store.changes() as changed:
            job = jobs.new_job()
            steps: tuple[Command[object], ...] = (
                commands.submit(job, store_settings),
                commands.claim(job.id, "worker", jobs.LEASE_MS),
                commands.renew(job.id, 1, jobs.LEASE_MS, "{}"),
                commands.cancel(job.id),
                commands.finish(job.id, 1, JobState.CANCELLED),
                commands.delete(job.id),
            )
            for step in steps:
                await store.execute(step)
                assert await asyncio.wait_for(anext(changed), 10) == job.id

    asyncio.run(scenario())


def test_a_bare_renewal_is_no_news(
    redis_server: EmbeddedRedis, store: BlockingJobStore, store_settings: StoreSettings
) -> None:
    async def scenario() -> None:
        silent = jobs.running(store, store_settings)
        async with JobStore(redis_server.url) as listener, listener.changes() as changed:
            store.execute(commands.renew(silent, 1, jobs.LEASE_MS))
            loud = jobs.queued(store, store_settings)
            assert await asyncio.wait_for(anext(changed), 10) == loud

    asyncio.run(scenario())


def test_a_listener_is_told_when_it_may_have_missed_something(own_server: EmbeddedRedis) -> None:
    async def scenario() -> None:
        async with JobStore(own_server.url) as store, store.changes() as changed:
            own_server.stop()
            own_server.start()
            with pytest.raises(StoreUnavailableError):
                await asyncio.wait_for(anext(changed), 10)

    asyncio.run(scenario())
