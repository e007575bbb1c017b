"""From pydantic's errors to places in the request that its author can find, and words they understand."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from pydantic import BaseModel, ValidationError

from service.contract.errors import FieldProblem
from service.schema_walk import Schema, SchemaWalk

MAX_REPORTED = 50
"""More places than these help nobody."""
MAX_EXPLAINED = 200
"""Of tens of thousands of errors in a hostile body, as many are looked at: one place can have several."""

Detail = Mapping[str, Any]
"""One entry of `ValidationError.errors()`."""


class Place(NamedTuple):
    """Where an error is: what leads there from the root of the document."""

    tokens: tuple[str | int, ...]
    schema: Schema
    """What is expected there."""
    value: object
    """What is there."""

    def member(self, name: str | int) -> str:
        """Pointer to a member, or to the place itself if what is there can have none."""
        return json_pointer((*self.tokens, name)) if isinstance(self.value, dict) else self.pointer

    @property
    def pointer(self) -> str:
        return json_pointer(self.tokens)


def json_pointer(tokens: Iterable[str | int]) -> str:
    """RFC 6901; the empty string is the whole document."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def field_problems(error: ValidationError, document: object, model: type[BaseModel]) -> list[FieldProblem]:
    """What is wrong in `document`, one entry per place. Of a place that can be of several kinds, what is
    wrong within it if it is of one of them, and else what it must be.

    Args:
        document: the parsed JSON that was refused. Pydantic's locations name branches of unions too, which
            are not in the document: they are told apart by walking both.
    """
    walk = SchemaWalk.of(model)
    entries = error.errors(include_url=False, include_input=False)
    details: dict[str, list[str]] = {}
    for entry in entries[:MAX_EXPLAINED]:
        pointer, text = _explained(entry, document, walk)
        texts = details.setdefault(pointer, [])
        if text not in texts:
            texts.append(text)
    entered = {ancestor for pointer in details for ancestor in _ancestors(pointer)}
    problems = [
        FieldProblem(pointer=pointer, detail=", or ".join(texts))
        for pointer, texts in details.items()
        if pointer not in entered
    ]
    if len(problems) > MAX_REPORTED or len(entries) > MAX_EXPLAINED:
        return [*problems[:MAX_REPORTED], FieldProblem(pointer="", detail="and more; the first are shown")]
    return problems


def _ancestors(pointer: str) -> Iterator[str]:
    """/a/b/c: /a/b, /a and the whole document."""
    while pointer:
        pointer = pointer.rpartition("/")[0]
        yield pointer


def parameter_problems(errors: Sequence[Detail]) -> list[FieldProblem]:
    """What is wrong with query parameters and headers; locations are (`query`, name)."""
    return [FieldProblem(parameter=str(entry["loc"][-1]), detail=_words(entry)) for entry in errors]


def _explained(entry: Detail, document: object, walk: SchemaWalk) -> tuple[str, str]:
    explain = _EXPLANATIONS.get(entry["type"])
    if explain is not None:
        return explain(entry, document, walk)
    return Place(*walk.follow(entry["loc"], document)).pointer, _words(entry)


def _unknown_field(entry: Detail, document: object, walk: SchemaWalk) -> tuple[str, str]:
    *parent, name = entry["loc"]
    place = Place(*walk.follow(parent, document))
    return place.member(name), f"unknown field; known here: {_listed(walk.properties(place.schema))}"


def _missing_field(entry: Detail, document: object, walk: SchemaWalk) -> tuple[str, str]:
    *parent, name = entry["loc"]
    place = Place(*walk.follow(parent, document))
    text = "is required" if isinstance(place.value, dict) else f"needs an object that has {name!r}"
    return place.member(name), text


def _unknown_tag(entry: Detail, document: object, walk: SchemaWalk) -> tuple[str, str]:
    place = Place(*walk.follow(entry["loc"], document))
    name, tags = walk.discriminator(place.schema)
    given = entry["ctx"].get("tag")
    said = "is required" if given is None else f"unknown {name} {given!r}"
    return place.member(name), f"{said}; known: {_listed(tags)}"


_EXPLANATIONS: Mapping[str, Callable[[Detail, object, SchemaWalk], tuple[str, str]]] = {
    "extra_forbidden": _unknown_field,
    "missing": _missing_field,
    "union_tag_invalid": _unknown_tag,
    "union_tag_not_found": _unknown_tag,
}
"""Errors whose place or words need the schema."""

_WORDS: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "unknown parameter",
    "finite_number": "must be a finite number, not NaN or infinity",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "int_parsing_size": "must be an integer with fewer digits",
}


def _words(entry: Detail) -> str:
    """Pydantic's message as a requirement."""
    fixed = _WORDS.get(entry["type"])
    if fixed is not None:
        return fixed
    return (
        str(entry["msg"])
        .removeprefix("Value error, ")
        .replace("Input should be", "must be")
        .replace("Input should", "must")
    )


def _listed(names: Iterable[str]) -> str:
    return ", ".join(names) or "none"
