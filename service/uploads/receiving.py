"""Writing a body while it arrives."""

import asyncio
from collections.abc import AsyncIterator

import anyio.to_thread
from anyio import CapacityLimiter

from service.store.incoming import IncomingFile

BLOCK_BYTES = 2**20


async def write_all(body: AsyncIterator[bytes], file: IncomingFile, threads: CapacityLimiter) -> None:
    """Hash and write a body in a thread, block by block, while the next block arrives.

    Two blocks are in memory at most: a body that comes faster than the disk takes it is not read.
    """
    writing: asyncio.Future[None] | None = None
    try:
        async for block in _blocks(body):
            if writing is not None:
                await writing
            writing = asyncio.ensure_future(anyio.to_thread.run_sync(file.write, block, limiter=threads))
        if writing is not None:
            await writing
    finally:
        if writing is not None:
            await asyncio.gather(writing, return_exceptions=True)


async def _blocks(chunks: AsyncIterator[bytes]) -> AsyncIterator[list[bytes]]:
    """The chunks in groups: each group costs a change of threads."""
    block: list[bytes] = []
    size = 0
    async for chunk in chunks:
        block.append(chunk)
        size += len(chunk)
        if size >= BLOCK_BYTES:
            yield block
            block, size = [], 0
    if block:
        yield block
