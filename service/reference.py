"""The reference for people: the OpenAPI document as one HTML page, without scripts or other servers."""

import json
import re
from collections.abc import Iterable, Mapping
from html import escape
from typing import Any

from fastapi import APIRouter, Request, Response

Schema = Mapping[str, Any]

router = APIRouter()

_REFERENCE = "#/components/schemas/"
_BOUNDS = {
    "minimum": "≥ {}",
    "exclusiveMinimum": "> {}",
    "maximum": "≤ {}",
    "exclusiveMaximum": "< {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "maxLength": "at most {} characters",
    "maxProperties": "at most {} members",
}
_STYLE = """
:root { color-scheme: light dark; --line: #8884; --soft: #8881; }
body { font: 16px/1.5 system-ui, sans-serif; max-width: 60rem; margin: 2rem auto; padding: 0 1rem; }
code, pre { font: 0.9em ui-monospace, monospace; background: var(--soft); padding: 0 0.2em; }
pre { padding: 0.8em; overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
td, th { border-bottom: 1px solid var(--line); padding: 0.3em 0.6em; }
td, th { text-align: left; vertical-align: top; }
h2 { margin-top: 3rem; border-bottom: 2px solid var(--line); }
h3 { margin-top: 2rem; }
nav { columns: 2; }
"""


@router.get("/docs", include_in_schema=False)
async def docs(request: Request) -> Response:
    """The reference page."""
    state = request.app.state
    if not hasattr(state, "reference"):
        state.reference = reference_page(request.app.openapi())
    return Response(state.reference, media_type="text/html; charset=utf-8")


def reference_page(document: Schema) -> str:
    """The whole page for an OpenAPI document."""
    operations = [
        (method.upper(), path, operation)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    ]
    schemas = sorted(document["components"]["schemas"].items())
    links = (
        f'<a href="#{o["operationId"]}"><code>{method} {path}</code></a><br>'
        for method, path, o in operations
    )
    title = f"{document['info']['title']} {document['info']['version']}"
    parts = [
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>{escape(title)}</title>',
        f'<meta name="viewport" content="width=device-width"><style>{_STYLE}</style>',
        f"<h1>{escape(title)}</h1>{_prose(document['info']['description'])}",
        '<p>For programs: <a href="openapi.json">openapi.json</a></p>',
        f"<nav>{''.join(links)}</nav>",
        *(_operation(*operation) for operation in operations),
        "<h2>Types</h2>",
        *(_type(name, schema) for name, schema in schemas),
    ]
    return "".join(parts)


def _operation(method: str, path: str, operation: Schema) -> str:
    parameters = (
        (p["name"], f"{p['in']}, {_kind(p['schema'])}", p.get("description", ""))
        for p in operation.get("parameters", ())
    )
    responses = (
        (status, _content_types(response), response["description"])
        for status, response in sorted(operation["responses"].items())
    )
    return (
        f'<h2 id="{operation["operationId"]}"><code>{method} {escape(path)}</code></h2>'
        f"{_prose(operation.get('description', ''))}"
        f"{_table('Parameter', parameters)}{_body(operation)}{_table('Answer', responses)}"
    )


def _body(operation: Schema) -> str:
    content = operation.get("requestBody", {}).get("content", {})
    return "".join(f"<p>Body: {_kind(body['schema'])}</p>{_examples(body)}" for body in content.values())


def _examples(body: Schema) -> str:
    return "".join(
        f"<p>{escape(example['summary'])}:</p><pre>{escape(json.dumps(example['value'], indent=2))}</pre>"
        for example in body.get("examples", {}).values()
    )


def _content_types(response: Schema) -> str:
    contents = response.get("content", {}).items()
    return "<br>".join(
        f"{_kind(content.get('schema', {}))} <small>{escape(name)}</small>" for name, content in contents
    )


def _type(name: str, schema: Schema) -> str:
    required = schema.get("required", ())
    fields = (
        (field, _field_type(what, field in required), what.get("description", ""))
        for field, what in schema.get("properties", {}).items()
    )
    alternatives = "" if "properties" in schema else f"<p>{_kind(schema)}</p>"
    description = _prose(schema.get("description", ""))
    return f'<h3 id="{name}">{name}</h3>{description}{alternatives}{_table("Field", fields)}'


def _field_type(schema: Schema, required: bool) -> str:
    default = ""
    if "default" in schema and not required:
        default = f"<br>default <code>{escape(json.dumps(schema['default']))}</code>"
    examples = ", ".join(f"<code>{escape(json.dumps(value))}</code>" for value in schema.get("examples", ()))
    return (
        _kind(schema)
        + ("<br>required" if required else default)
        + (f"<br>e.g. {examples}" if examples else "")
    )


def _kind(schema: Schema) -> str:
    """A type in a few words, as HTML."""
    if "$ref" in schema:
        name = schema["$ref"].removeprefix(_REFERENCE)
        return f'<a href="#{name}">{name}</a>'
    for key in ("anyOf", "oneOf"):
        if key in schema:
            return " or ".join(map(_kind, schema[key]))
    if "const" in schema or "enum" in schema:
        values = schema.get("enum", [schema.get("const")])
        return " or ".join(f"<code>{escape(json.dumps(value))}</code>" for value in values)
    if schema.get("type") == "array":
        return f"list of {_kind(schema.get('items', {}))}{_bounds(schema)}"
    return escape(str(schema.get("type", "anything"))) + _bounds(schema)


def _bounds(schema: Schema) -> str:
    found = [text.format(schema[key]) for key, text in _BOUNDS.items() if key in schema]
    return f" ({escape(', '.join(found))})" if found else ""


def _table(head: str, rows: Iterable[tuple[str, str, str]]) -> str:
    """Rows of (name, HTML, prose)."""
    lines = [f"<tr><td><code>{escape(name)}</code><td>{kind}<td>{_inline(text)}" for name, kind, text in rows]
    return f"<table><tr><th>{head}<th>Type<th>Meaning{''.join(lines)}</table>" if lines else ""


def _prose(text: str) -> str:
    return "".join(f"<p>{_inline(paragraph)}</p>" for paragraph in text.strip().split("\n\n") if paragraph)


def _inline(text: str) -> str:
    return re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text))
