"""Pieces of the OpenAPI document that several endpoints share."""

from typing import Any

from fastapi import FastAPI

from service.contract.errors import Problem
from service.problems import MEDIA_TYPE, ProblemError

Responses = dict[int | str, dict[str, Any]]

_PROBLEM_SCHEMA = {"$ref": "#/components/schemas/Problem"}


def problems(*errors: type[ProblemError]) -> Responses:
    """The problems that an endpoint may answer with."""
    grouped: dict[int, list[type[ProblemError]]] = {}
    for error in errors:
        grouped.setdefault(error.status, []).append(error)
    return {status: _answer(members) for status, members in grouped.items()}


def header(description: str, example: str) -> dict[str, Any]:
    """A response header."""
    return {"description": description, "schema": {"type": "string"}, "example": example}


def _answer(errors: list[type[ProblemError]]) -> dict[str, Any]:
    examples = {error.kind or error.__name__: {"value": _example(error)} for error in errors}
    content = {MEDIA_TYPE: {"schema": _PROBLEM_SCHEMA, "examples": examples}}
    return {"description": " Or: ".join(_sentence(error) for error in errors), "content": content}


def _example(error: type[ProblemError]) -> dict[str, Any]:
    kind = f"/problems/{error.kind}" if error.kind else "about:blank"
    return Problem(type=kind, title=error.title, status=error.status).model_dump(exclude_none=True)


def _sentence(error: type[ProblemError]) -> str:
    return " ".join((error.__doc__ or error.title).split())


def describe(app: FastAPI) -> None:
    """Make `app.openapi()` speak of problems where FastAPI would speak of its own errors."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            app.openapi_schema = _with_problems(generate())
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's own way to extend it


def _with_problems(document: dict[str, Any]) -> dict[str, Any]:
    schemas = document["components"]["schemas"]
    problem = Problem.model_json_schema(ref_template="#/components/schemas/{model}")
    schemas |= problem.pop("$defs") | {"Problem": problem}
    for unused in ("HTTPValidationError", "ValidationError"):
        schemas.pop(unused, None)
    for operations in document["paths"].values():
        for operation in operations.values():
            if _is_fastapis_own(operation["responses"].get("422", {})):
                del operation["responses"]["422"]
    return document


def _is_fastapis_own(response: dict[str, Any]) -> bool:
    return "HTTPValidationError" in str(response)
