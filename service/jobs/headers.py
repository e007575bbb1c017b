"""The request headers that jobs understand, as values."""

import re

from fastapi import Request
from pydantic import Field

from service.contract.base import Contract
from service.contract.errors import FieldProblem
from service.problems import InvalidRequestProblem

_PREFER_WAIT = re.compile(r'(?:^|[,;])\s*wait\s*=\s*"?(\d{1,9}(?:\.\d{1,9})?)"?\s*(?=$|[,;])', re.IGNORECASE)
_ENTITY_TAG = re.compile(r'(?:W/)?("[^"]*")')
_KEY = re.compile(r"[\x21-\x7e]([\x20-\x7e]{0,253}[\x21-\x7e])?")


class WaitQuery(Contract):
    """Query of requests that can wait."""

    wait: float | None = Field(default=None, ge=0.0, examples=[10])
    """Seconds to wait for the job's end before answering, at most 30; the header `Prefer: wait=10` says the
    same."""


def wait_seconds(request: Request, query: WaitQuery, limit: float) -> float | None:
    """How long to wait: the query's word, else the header's, cut to `limit`; None if neither says anything.

    A `Prefer` header that is not understood is ignored, as RFC 7240 §2 has it.
    """
    wish = query.wait
    if wish is None:
        found = _PREFER_WAIT.search(",".join(request.headers.getlist("prefer")))
        wish = float(found.group(1)) if found else None
    return None if wish is None else min(wish, limit)


def entity_tag(revision: int) -> str:
    """The strong entity tag of a job at a revision."""
    return f'"{revision}"'


def is_known(request: Request, tag: str) -> bool:
    """Whether the client has this state already (`If-None-Match`, RFC 9110 §13.1.2: weak comparison)."""
    given = request.headers.get("if-none-match")
    return given is not None and (given.strip() == "*" or tag in _ENTITY_TAG.findall(given))


def idempotency_key(request: Request) -> str | None:
    """The `Idempotency-Key`, with or without the quotes that the draft puts around it.

    Raises:
        InvalidRequestProblem: it is empty, too long, or holds anything but printable ASCII.
    """
    given = request.headers.get("idempotency-key")
    if given is None:
        return None
    key = given.removeprefix('"').removesuffix('"') if len(given) > 1 else given
    if not _KEY.fullmatch(key):
        detail = "must be 1 to 255 printable ASCII characters"
        raise InvalidRequestProblem.of([FieldProblem(parameter="Idempotency-Key", detail=detail)])
    return key
