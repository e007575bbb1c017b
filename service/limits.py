"""Reading a request's body without trusting it: size, time and type are bounded while it arrives."""

import asyncio
from contextlib import suppress

from fastapi import Request
from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

DRAIN_BYTES = 4 * 2**20
DRAIN_SECONDS = 2.0


class BodyTooLarge(Exception):  # noqa: N818 - a signal inside the service, not what a client sees
    """More than the permitted bytes were announced or sent."""


async def read_body(request: Request, limit: int, seconds: float) -> bytes:
    """The request's body, at most `limit` bytes, however its length was announced.

    Raises:
        BodyTooLarge: at the first byte too many, or at once if `Content-Length` says so.
        TimeoutError: it was not complete after `seconds`.
    """
    announced = request.headers.get("content-length", "")
    if announced.isdecimal() and int(announced[:20]) > limit:
        raise BodyTooLarge
    body = bytearray()
    async with asyncio.timeout(seconds):
        async for chunk in request.stream():
            body += chunk
            if len(body) > limit:
                raise BodyTooLarge
    return bytes(body)


class RefusedBodyResponse(Response):
    """An answer to a client that may still be sending.

    Closing at once would make the kernel reset the connection, and many clients would never see the answer.
    So it is sent whole, then a bounded amount of what still comes is thrown away, then the connection closes.
    """

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.headers["Connection"] = "close"
        await send({"type": "http.response.start", "status": self.status_code, "headers": self.raw_headers})
        await send({"type": "http.response.body", "body": self.body, "more_body": True})
        if b"expect" not in {name for name, _ in scope["headers"]}:  # that client waits before it sends
            with suppress(TimeoutError, ClientDisconnect):
                async with asyncio.timeout(DRAIN_SECONDS):
                    await _drain(receive)
        await send({"type": "http.response.body", "body": b""})


async def _drain(receive: Receive) -> None:
    left = DRAIN_BYTES
    while left > 0:
        message = await receive()
        if message["type"] == "http.disconnect" or not message.get("more_body", False):
            return
        left -= len(message.get("body", b""))
