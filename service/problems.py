"""Errors as clients see them: a small tree, each with its HTTP status, rendered as RFC 9457 problems.

Code below the endpoints raises a `ProblemError`; nothing else has to know about status codes.
"""

from collections.abc import Callable, Mapping, Sequence
from http import HTTPStatus
from typing import ClassVar

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import Response
from starlette.routing import Match

from service.contract.errors import FieldProblem, InvalidRequestError, Problem
from service.limits import RefusedBodyResponse
from service.store.errors import StoreUnavailableError
from service.validation import parameter_problems

MEDIA_TYPE = "application/problem+json"
PROBLEM_PAGES = "/problems"


class ProblemError(Exception):
    """Root of all errors that a client sees. `detail` is what happened this time and what to do.

    A subclass with a `kind` of its own gets a page at `/problems/{kind}` made of its title and docstring.
    """

    status: int
    title: str
    kind: ClassVar[str | None] = None
    """The last part of `type`; None where the status says it all (`about:blank`)."""
    body_unread: ClassVar[bool] = False
    """Whether the client may still be sending when it is refused."""

    def __init__(
        self,
        detail: str | None = None,
        *,
        errors: Sequence[FieldProblem] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.errors = list(errors)
        self.headers = dict(headers or {})

    def document(self, instance: str) -> Problem:
        """The problem document for the request at path `instance`."""
        return Problem(
            type=f"{PROBLEM_PAGES}/{self.kind}" if self.kind else "about:blank",
            title=self.title,
            status=self.status,
            detail=self.detail,
            instance=instance,
            errors=self.errors or None,
        )


class StatusError(ProblemError):
    """A problem that says no more than its status code does."""

    def __init__(
        self, status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None
    ) -> None:
        self.status = status
        self.title = HTTPStatus(status).phrase
        super().__init__(detail, headers=headers)


class BadRequestError(ProblemError):
    """The request is not well-formed HTTP or lacks something it needs."""

    status = 400
    title = "Bad request"


class MalformedJsonError(BadRequestError):
    """The body is not JSON as RFC 8259 and RFC 7493 (I-JSON) have it: UTF-8, no name twice in one object,
    nested at most about 200 deep."""

    title = "The body is not valid JSON"
    kind = "malformed-json"


class NotFoundError(ProblemError):
    """Nothing is known under this address."""

    status = 404
    title = "Not found"


class RequestTimeoutError(ProblemError):
    """The body did not arrive in time."""

    status = 408
    title = "Request timeout"
    body_unread = True


class ConflictError(ProblemError):
    """The request does not fit the present state of the resource."""

    status = 409
    title = "Conflict"


class GoneError(ProblemError):
    """It was here once and was removed."""

    status = 410
    title = "Gone"


class ContentTooLargeError(ProblemError):
    """The body is larger than this service accepts; it was not read to its end."""

    status = 413
    title = "Content too large"
    body_unread = True


class UnsupportedMediaTypeError(ProblemError):
    """The body is in a format that this address does not take."""

    status = 415
    title = "Unsupported media type"
    body_unread = True


class InvalidRequestProblem(ProblemError):  # noqa: N818 - InvalidRequestError is the contract's
    """The request is well-formed but cannot be accepted. `errors` names each place that is wrong: in the body
    by `pointer` (JSON Pointer), elsewhere by `parameter`."""

    status = 422
    title = "The request is not valid"
    kind = "invalid-request"

    @classmethod
    def of(cls, errors: Sequence[FieldProblem]) -> "InvalidRequestProblem":
        places = f"{len(errors)} places are" if len(errors) > 1 else "one place is"
        return cls(f"{places} wrong; see errors", errors=errors)


class InternalProblem(ProblemError):  # noqa: N818
    """A fault of the service, logged under the request id given in `detail` and in `X-Request-ID`."""

    status = 500
    title = "Internal error"
    kind = "internal"


class InsufficientStorageError(ProblemError):
    """The service has no room for what was sent; nothing of it was kept."""

    status = 507
    title = "Insufficient storage"
    kind = "insufficient-storage"
    body_unread = True


class UnavailableError(ProblemError):
    """The service cannot do this now; `Retry-After` says when to try again."""

    status = 503
    title = "Temporarily unavailable"
    kind = "unavailable"

    def __init__(self, detail: str, *, retry_after: int = 2) -> None:
        super().__init__(detail, headers={"Retry-After": str(retry_after)})


def problem_response(error: ProblemError, instance: str) -> Response:
    """The error as an HTTP response."""
    content = error.document(instance).model_dump_json(exclude_none=True)
    kind = RefusedBodyResponse if error.body_unread else Response
    headers = {"Cache-Control": "no-store", **error.headers}
    return kind(content, status_code=error.status, headers=headers, media_type=MEDIA_TYPE)


def _of_http_exception(request: Request, exception: HTTPException) -> ProblemError:
    detail = None if exception.detail == HTTPStatus(exception.status_code).phrase else exception.detail
    headers = dict(exception.headers or {})
    if exception.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = ", ".join(_allowed_methods(request))
    return StatusError(exception.status_code, detail, headers=headers)


def _allowed_methods(request: Request) -> list[str]:
    """All methods of a path; the router knows only those of the first route that has it."""
    routes = request.app.router.routes
    allowed = {
        method
        for method in ("GET", "POST", "PUT", "PATCH", "DELETE")
        if any(route.matches({**request.scope, "method": method})[0] is Match.FULL for route in routes)
    }
    return sorted(allowed | ({"HEAD"} if "GET" in allowed else set()))


def _of_store_outage(_: Request, __: StoreUnavailableError) -> ProblemError:
    return UnavailableError("the job store does not answer; nothing is known to be lost, try again")


def _of_parameters(_: Request, exception: RequestValidationError) -> ProblemError:
    return InvalidRequestProblem.of(parameter_problems(exception.errors()))


def _of_contract(_: Request, exception: InvalidRequestError) -> ProblemError:
    return InvalidRequestProblem.of([FieldProblem(pointer=exception.pointer, detail=exception.detail)])


CONVERSIONS: Mapping[type[Exception], Callable[..., ProblemError]] = {
    ProblemError: lambda _, error: error,
    HTTPException: _of_http_exception,
    RequestValidationError: _of_parameters,
    InvalidRequestError: _of_contract,
    StoreUnavailableError: _of_store_outage,
}
"""From what is raised to what the client is told. Anything else is an internal error."""


def register_problems(app: FastAPI) -> None:
    """Answer every error of `CONVERSIONS` with its problem."""
    for kind, convert in CONVERSIONS.items():
        app.add_exception_handler(kind, _handler(convert))


def _handler(convert: Callable[..., ProblemError]) -> Callable[[Request, Exception], Response]:
    async def answer(request: Request, exception: Exception) -> Response:
        return problem_response(convert(request, exception), request.url.path)

    return answer  # type: ignore[return-value]  # Starlette takes both kinds of function


def problem_kinds() -> dict[str, type[ProblemError]]:
    """Every kind of problem that has a page."""
    found: dict[str, type[ProblemError]] = {}
    rest = [ProblemError]
    while rest:
        error = rest.pop()
        rest += error.__subclasses__()
        if error.kind and "kind" in vars(error):
            found[error.kind] = error
    return dict(sorted(found.items()))
