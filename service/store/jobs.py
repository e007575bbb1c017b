"""The two stores: one executes commands for asyncio, one blocks. Neither knows what a command means."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Any, Self, TypeVar

import redis
import redis.asyncio
import redis.asyncio.retry
from redis.backoff import ExponentialWithJitterBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import NoScriptError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from service.store.command import Command
from service.store.commands import CHANGES_CHANNEL
from service.store.errors import StoreUnavailableError

T = TypeVar("T")

_UNREACHABLE = (RedisConnectionError, RedisTimeoutError, ConnectionError, TimeoutError)
_REFUSALS = ("OOM ", "MISCONF ", "READONLY ")  # memory full, disk full, a replica
_RETRIES = 4
_CONNECTIONS = 16  # more would not make one Redis faster
_SUBSCRIBE_SECONDS = 5.0


def _connection_options() -> dict[str, Any]:
    """Notice a dead server in seconds; a Redis that restarts in between is not noticed at all.

    When all connections are busy, a command waits for one: the default pool would refuse it.
    """
    return {
        "decode_responses": True,
        "socket_connect_timeout": 2.0,
        "socket_timeout": 5.0,
        "socket_keepalive": True,
        "health_check_interval": 15,
        "max_connections": _CONNECTIONS,
        "timeout": 10.0,  # for a connection of the pool
    }


def _backoff() -> ExponentialWithJitterBackoff:
    return ExponentialWithJitterBackoff(cap=1.0, base=0.1)


class BlockingJobStore:
    """Executes commands and waits for the answer; safe to share between threads."""

    def __init__(self, redis_url: str, *, retries: int = _RETRIES) -> None:
        retry = Retry(_backoff(), retries)
        pool = redis.BlockingConnectionPool.from_url(redis_url, retry=retry, **_connection_options())
        self._redis = redis.Redis.from_pool(pool)

    def execute(self, command: Command[T]) -> T:
        """Run the command, try again through short outages, and decode its answer.

        Raises:
            StoreUnavailableError: Redis could not be reached for a few seconds.
        """
        with _outages_translated():
            try:
                reply = self._redis.evalsha(command.script.sha, 0, *command.args)
            except NoScriptError:  # a new or restarted server; EVAL also teaches it the script
                reply = self._redis.eval(command.script.source, 0, *command.args)
        return command.decode(reply)

    def ping(self) -> None:
        """Return if Redis answers.

        Raises:
            StoreUnavailableError: it does not.
        """
        with _outages_translated():
            self._redis.ping()

    def close(self) -> None:
        self._redis.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exception: object) -> None:
        self.close()


class JobStore:
    """The same for asyncio; one per event loop."""

    def __init__(self, redis_url: str, *, retries: int = _RETRIES) -> None:
        self._url = redis_url
        self._redis = _asyncio_client(redis_url, retries)

    async def execute(self, command: Command[T]) -> T:
        """As `BlockingJobStore.execute`."""
        with _outages_translated():
            try:
                reply = await self._redis.evalsha(command.script.sha, 0, *command.args)
            except NoScriptError:
                reply = await self._redis.eval(command.script.source, 0, *command.args)
        return command.decode(reply)

    async def ping(self) -> None:
        """As `BlockingJobStore.ping`."""
        with _outages_translated():
            await self._redis.ping()

    @asynccontextmanager
    async def changes(self) -> AsyncIterator[AsyncIterator[str]]:
        """`async with store.changes() as job_ids: async for job_id in job_ids: …`, endless.

        Subscribed once the block is entered: what is read inside it cannot have changed unnoticed.

        It has a connection of its own that does not reconnect: what was said meanwhile would be missed, and
        nobody told.

        Raises:
            StoreUnavailableError: at entry or in the loop; enter again, then read again what you wait for.
        """
        with _outages_translated():
            async with _asyncio_client(self._url, retries=0) as client, client.pubsub() as subscription:
                await subscription.subscribe(CHANGES_CHANNEL)
                await subscription.get_message(timeout=_SUBSCRIBE_SECONDS)  # the confirmation
                yield _messages(subscription)

    async def aclose(self) -> None:
        await self._redis.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *exception: object) -> None:
        await self.aclose()


def _asyncio_client(redis_url: str, retries: int) -> redis.asyncio.Redis:
    retry = redis.asyncio.retry.Retry(_backoff(), retries)
    pool = redis.asyncio.BlockingConnectionPool.from_url(redis_url, retry=retry, **_connection_options())
    return redis.asyncio.Redis.from_pool(pool)


async def _messages(subscription: redis.asyncio.client.PubSub) -> AsyncIterator[str]:
    while True:
        with _outages_translated():
            message = await subscription.get_message(ignore_subscribe_messages=True, timeout=None)
        if message is not None:
            yield message["data"]


@contextmanager
def _outages_translated() -> Iterator[None]:
    try:
        yield
    except _UNREACHABLE as error:
        raise StoreUnavailableError(f"Redis does not answer: {error}") from error
    except ResponseError as error:  # inside a script a refusal has no type of its own, only its words
        if any(refusal in str(error) for refusal in _REFUSALS):
            raise StoreUnavailableError(f"Redis does not accept anything now: {error}") from error
        raise
