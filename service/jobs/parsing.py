"""From the bytes of a body to a checked `JobRequest`."""

import json
import math
from collections.abc import Iterator
from typing import Any

from pydantic import JsonValue, ValidationError
from pydantic_core import from_json

from service.contract.errors import FieldProblem
from service.contract.job import JobRequest
from service.problems import InvalidRequestProblem, MalformedJsonError
from service.validation import field_problems, json_pointer

_LONGEST_INTEGER = 4300
"""Digits; Python's own bound against integers that take quadratic time to read."""
_TOO_LARGE = 10**400
"""Stands for integers longer than that: too large for every field as well."""


def parse_job_request(body: bytes) -> JobRequest:
    """The request in `body`, a JSON document.

    Raises:
        MalformedJsonError: it is no JSON, or an object has a name twice.
        InvalidRequestProblem: it is not a job request.
    """
    try:
        request = JobRequest.model_validate_json(body)
    except ValidationError as error:
        raise _refusal(error, body) from None
    json.loads(body, object_pairs_hook=_without_duplicates)
    _refuse_non_finite(request.metadata)
    return request


def _refusal(error: ValidationError, body: bytes) -> Exception:
    # listing tens of thousands of errors takes long; a syntax error is always alone
    if error.error_count() == 1 and error.errors(include_input=False)[0]["type"] == "json_invalid":
        return _unreadable(error, body)
    return InvalidRequestProblem.of(field_problems(error, from_json(body), JobRequest))


def _unreadable(error: ValidationError, body: bytes) -> Exception:
    """Numbers of thousands of digits are correct JSON, so their author is told where they are, not that."""
    try:
        document = json.loads(body.decode(), parse_int=_bounded_int)
        JobRequest.model_validate(document)
    except ValidationError as second:
        return InvalidRequestProblem.of(field_problems(second, document, JobRequest))
    except (ValueError, RecursionError):
        pass
    reason = error.errors(include_url=False, include_input=False)[0]["ctx"]["error"]
    return MalformedJsonError(str(reason))


def _bounded_int(digits: str) -> int:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else _TOO_LARGE


def _without_duplicates(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Parsers disagree on which of two equal names counts, so neither does."""
    members = dict(pairs)
    if len(members) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise MalformedJsonError(f"the name {twice!r} stands twice in one object")
    return members


def _refuse_non_finite(metadata: dict[str, JsonValue]) -> None:
    """The request's own fields refuse NaN by their types; metadata has none."""
    detail = "must be a finite number, not NaN or infinity"
    errors = [
        FieldProblem(pointer=json_pointer(place), detail=detail)
        for place in _non_finite(metadata, ("metadata",))
    ]
    if errors:
        raise InvalidRequestProblem.of(errors)


def _non_finite(value: JsonValue, place: tuple[str | int, ...]) -> Iterator[tuple[str | int, ...]]:
    if isinstance(value, float) and not math.isfinite(value):
        yield place
    elif isinstance(value, dict):
        for name, member in value.items():
            yield from _non_finite(member, (*place, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from _non_finite(item, (*place, index))
