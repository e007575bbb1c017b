"""What every request passes: it gets an id, is logged, and is answered with a problem if something breaks."""

import re
import secrets
import time

import structlog
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import ClientDisconnect
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from service.problems import MEDIA_TYPE, InternalProblem, StatusError, problem_response

REQUEST_ID_HEADER = "X-Request-ID"
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
_SECURITY_HEADERS = {"X-Content-Type-Options": "nosniff"}

log = structlog.get_logger("service.requests")


class Envelope:
    """ASGI middleware around the whole application. Plain ASGI, so that it hides no disconnect."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        with structlog.contextvars.bound_contextvars(request_id=_request_id(scope)):
            await _Exchange(self._app, scope, receive, send).run()


class _Exchange:
    """One request and its answer."""

    def __init__(self, app: ASGIApp, scope: Scope, receive: Receive, send: Send) -> None:
        self._app = app
        self._head = scope["method"] == "HEAD"
        # Every resource that answers GET answers HEAD (RFC 9110 §9.1).
        self._scope = {**scope, "method": "GET"} if self._head else scope
        self._receive = receive
        self._send = send
        self._status: int | None = None
        self._replaced = False
        self._began = time.perf_counter()

    async def run(self) -> None:
        try:
            await self._app(self._scope, self._receive, self._pass_on)
        except ClientDisconnect:
            pass  # nobody is left to be told
        except Exception:
            log.exception("internal error", path=self._scope["path"])
            if self._status is not None:
                raise  # half an answer is out; the server must cut the connection
            await self._answer_internal_error()
        finally:
            self._log()

    async def _pass_on(self, message: Message) -> None:
        if message["type"] == "http.response.start":
            await self._begin(message)
        elif not self._replaced:
            await self._send({**message, "body": b""} if self._head else message)

    async def _begin(self, message: Message) -> None:
        self._status = message["status"]
        headers = MutableHeaders(scope=message)
        if self._status >= 400 and headers.get("content-type") != MEDIA_TYPE:
            await self._replace(self._status, headers)
            return
        headers[REQUEST_ID_HEADER] = _bound_request_id()
        headers.update(_SECURITY_HEADERS)
        await self._send(message)

    async def _replace(self, status: int, headers: MutableHeaders) -> None:
        """Some error is answered by a library in its own words: say it as a problem."""
        kept = {name: headers[name] for name in ("allow", "content-range", "retry-after") if name in headers}
        answer = problem_response(StatusError(status, headers=kept), self._scope["path"])
        await answer(self._scope, self._receive, self._pass_on)
        self._replaced = True

    async def _answer_internal_error(self) -> None:
        request_id = _bound_request_id()
        problem = InternalProblem(
            f"This is a fault of the service. It was logged as {request_id}; please quote that."
        )
        await problem_response(problem, self._scope["path"])(self._scope, self._receive, self._pass_on)

    def _log(self) -> None:
        routine = self._scope["method"] == "GET" and self._status is not None and self._status < 400
        (log.debug if routine else log.info)(
            "request",
            method=self._scope["method"],
            path=self._scope["path"],
            status=self._status or "disconnected",
            milliseconds=round((time.perf_counter() - self._began) * 1000, 1),
        )


def _request_id(scope: Scope) -> str:
    """The client's own id, if it is a harmless one, else a new one."""
    given = Headers(scope=scope).get(REQUEST_ID_HEADER, "")
    return given if _REQUEST_ID.fullmatch(given) else secrets.token_hex(8)


def _bound_request_id() -> str:
    return str(structlog.contextvars.get_contextvars()["request_id"])
