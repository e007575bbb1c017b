"""Walking a JSON Schema beside a document, along one of pydantic's error locations."""

from collections.abc import Iterator, Sequence
from functools import cache
from typing import Any

from pydantic import BaseModel

Schema = dict[str, Any]
Tokens = tuple[str | int, ...]

_NOWHERE: Schema = {}
_REFERENCE = "#/$defs/"


class SchemaWalk:
    """The schema of a model, with what is needed to find one's way in it."""

    def __init__(self, root: Schema) -> None:
        self._root = root
        self._definitions: dict[str, Schema] = root.get("$defs", {})

    @staticmethod
    @cache
    def of(model: type[BaseModel]) -> "SchemaWalk":
        return SchemaWalk(model.model_json_schema(mode="validation"))

    def follow(self, location: Sequence[str | int], document: object) -> tuple[Tokens, Schema, object]:
        """The part of `location` that leads through `document`, what is expected there, and what is there.

        A location also names the branch of a union that was tried. For a tagged union the schema tells that
        it is one; elsewhere it is what the document does not have.
        """
        schema, value = self._resolved(self._root), document
        tokens: list[str | int] = []
        for element in location:
            branch = self._tagged(schema, element)
            if branch is not None:
                schema = branch
            elif _has(value, element):
                value = value[element]  # type: ignore[index]
                schema = self._child(schema, element)
                tokens.append(element)
        return tuple(tokens), schema, value

    def properties(self, schema: Schema) -> list[str]:
        """Names of the fields that an object of this schema may have, over all branches of a union."""
        return sorted({name for branch in self._branches(schema) for name in branch.get("properties", {})})

    def discriminator(self, schema: Schema) -> tuple[str, list[str]]:
        """Name of the field that tells the branches of a tagged union apart, and its known values."""
        for branch in self._branches(schema):
            if "discriminator" in branch:
                return branch["discriminator"]["propertyName"], list(branch["discriminator"]["mapping"])
        return "kind", []

    def _tagged(self, schema: Schema, tag: str | int) -> Schema | None:
        for branch in self._branches(schema):
            target = branch.get("discriminator", {}).get("mapping", {}).get(tag)
            if target is not None:  # a reference, or, for a union of unions, a schema
                return self._resolved({"$ref": target} if isinstance(target, str) else target)
        return None

    def _child(self, schema: Schema, element: str | int) -> Schema:
        for branch in self._branches(schema):
            child = (
                branch.get("items") if isinstance(element, int) else branch.get("properties", {}).get(element)
            )
            if isinstance(child, dict):
                return self._resolved(child)
        return _NOWHERE

    def _branches(self, schema: Schema) -> Iterator[Schema]:
        yield schema
        for branch in (*schema.get("anyOf", ()), *schema.get("oneOf", ())):
            yield from self._branches(self._resolved(branch))

    def _resolved(self, schema: Schema) -> Schema:
        while "$ref" in schema:
            schema = self._definitions[schema["$ref"].removeprefix(_REFERENCE)]
        return schema


def _has(value: object, element: str | int) -> bool:
    if isinstance(value, dict):
        return element in value
    return isinstance(value, list) and isinstance(element, int) and element < len(value)
