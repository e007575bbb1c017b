"""Work that goes on beside requests, and ending it for certain."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

Duty = Callable[[], Coroutine[Any, Any, None]]
"""Something to do until cancelled."""

CANCEL_AGAIN_SECONDS = 0.2


@asynccontextmanager
async def in_background(*duties: Duty) -> AsyncIterator[None]:
    """Do all of this while the block lasts."""
    tasks = [asyncio.create_task(duty()) for duty in duties]
    try:
        yield
    finally:
        await stop(*tasks)


async def stop(*tasks: asyncio.Future[Any]) -> None:
    """Cancel tasks until they have ended. What they raise is dropped.

    Once is not always enough: `asyncio.wait_for` before Python 3.12, which redis-py calls, swallows a
    cancellation that comes just as what it waits for ends.
    """
    pending = set(tasks)
    while pending:
        for task in pending:
            task.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_SECONDS)
    await asyncio.gather(*tasks, return_exceptions=True)
