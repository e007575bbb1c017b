import asyncio

import pytest

from service.background import in_background, stop


async def stubborn(swallow: int, seen: list[str]) -> None:
    """Does not heed the first few cancellations, as `asyncio.wait_for` of Python 3.11 at times."""
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            seen.append("cancelled")
            if len(seen) > swallow:
                raise


@pytest.mark.parametrize("swallow", [0, 1, 2])
def test_work_ends_even_if_it_misses_a_cancellation(swallow: int) -> None:
    seen: list[str] = []

    async def run() -> None:
        async with in_background(lambda: stubborn(swallow, seen)):
            await asyncio.sleep(0)

    asyncio.run(asyncio.wait_for(run(), 10))
    assert len(seen) == swallow + 1


def test_stopping_what_has_failed_or_ended_is_fine() -> None:
    async def fail() -> None:
        raise ValueError

    async def run() -> None:
        tasks = [asyncio.ensure_future(fail()), asyncio.ensure_future(asyncio.sleep(0))]
        await asyncio.sleep(0.01)
        await stop(*tasks)

    asyncio.run(run())
