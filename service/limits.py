"""Reading a request's body without trusting it: size, time and type are bounded while it arrives."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

DRAIN_BYTES = 4 * 2**20
DRAIN_SECONDS = 2.0
_BEGUN = "gradient_clinic.body_begun"
"""Set in a request's ASGI scope once its body is asked for."""


class BodyTooLarge(Exception):  # noqa: N818 - a signal inside the service, not what a client sees
    """More than the permitted bytes were announced or sent."""


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The request's body, at most `limit` bytes, however its length was announced.

    Raises:
        BodyTooLarge: at the first byte too many, or at once if `Content-Length` says so.
        TimeoutError: it was not complete after `seconds`.
    """
    body = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in _chunks(request, limit):
            body += chunk
    return bytes(body)


async def stream_body(request: Request, limit: int, idle_seconds: float) -> AsyncIterator[bytes]:
    """The request's body piece by piece, at most `limit` bytes. What is not asked for is not read.

    Raises:
        BodyTooLarge: as `read_body`.
        TimeoutError: nothing came for `idle_seconds`. A large body may take as long as it needs.
    """
    chunks = _chunks(request, limit)
    while True:
        async with asyncio.timeout(idle_seconds):
            chunk = await anext(chunks, None)
        if chunk is None:
            return
        yield chunk


async def _chunks(request: Request, limit: int) -> AsyncIterator[bytes]:
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise BodyTooLarge
    request.scope[_BEGUN] = True
    received = 0
    async for chunk in request.stream():
        received += len(chunk)
        if received > limit:
            raise BodyTooLarge
        if chunk:
            yield chunk


class RefusedBodyResponse(Response):
    """An answer to a client that may still be sending.

    Closing at once would make the kernel reset the connection, and many clients would never see the answer.
    So it is sent whole, then a bounded amount of what still comes is thrown away, then the connection closes.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if not _waits_for_permission(scope):
            with suppress(TimeoutError, ClientDisconnect):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await _drain(receive)
        await send({"type": "http.response.body", "body": b""})


def _waits_for_permission(scope: Scope) -> bool:
    """Whether the client said that it sends nothing until it is told to, and was not (RFC 9110 §10.1.1)."""
    return b"expect" in {name for name, _ in scope["headers"]} and _BEGUN not in scope


async def _drain(receive: Receive) -> None:
    left = DRAIN_BYTES
    while left > 0:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))
