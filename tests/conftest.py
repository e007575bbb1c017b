"""Fixtures for everyone: a real Redis server, and settings for a store in it."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import redis

from service.store.embedded_redis import EmbeddedRedis
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EmbeddedRedis]:
    """A server of this test process's own: processes of a parallel run do not see each other's jobs."""
    with EmbeddedRedis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def raw_redis(redis_server: EmbeddedRedis) -> Iterator[redis.Redis]:
    """A plain client of an empty server, for looking at what is really in it."""
    with redis.Redis.from_url(redis_server.url, decode_responses=True) as client:
        client.flushall()
        yield client


@pytest.fixture
def store_settings(redis_server: EmbeddedRedis, raw_redis: redis.Redis, tmp_path: Path) -> StoreSettings:
    """Settings of an empty store; `model_copy(update=…)` to change some."""
    return StoreSettings(redis_url=redis_server.url, data_dir=tmp_path / "data")


@pytest.fixture
def store(store_settings: StoreSettings) -> Iterator[BlockingJobStore]:
    """An empty job store."""
    with BlockingJobStore(store_settings.redis_url) as job_store:
        yield job_store
