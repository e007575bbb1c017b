"""The steps of an exported graph, read from its JSON."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from workers.uploads.errors import InvalidUploadError, UnsafeUploadError
from workers.uploads.exported.arguments import Reference, Template, references, template
from workers.uploads.exported.operators import Operation, operation

MAX_DEPTH = 60
"""Most modules within one another."""
_NAME = re.compile(r"\w+(\.\w+)*", re.ASCII)
_POSITIONAL = 1
"""The schema's number of positional arguments."""
_NO_STACK = "_empty_nn_module_stack_from_metadata_hook"

Outputs = list[str | list[str]]
"""The names of a step's results; of one that is a list, those of its entries."""


@dataclass(frozen=True)
class ModuleCall:
    """One call of a module."""

    key: str
    """Tells calls of the same module apart."""
    path: str
    """The module's path in the network."""
    class_name: str


@dataclass(frozen=True)
class Node:
    """A step."""

    target: str
    operation: Operation
    positional: tuple[Template, ...]
    named: Mapping[str, Template]
    outputs: Outputs
    calls: tuple[ModuleCall, ...] | None
    """The calls that it is part of, outermost first, without that of the network itself; None if not
    known."""

    @property
    def uses(self) -> list[str]:
        """Names of the values that it takes."""
        return references([*self.positional, *self.named.values()])

    @property
    def gives(self) -> list[str]:
        """Names of the values that it gives."""
        return [name for output in self.outputs for name in ([output] if isinstance(output, str) else output)]


def read_node(described: Mapping[str, Any], same: Mapping[str, str]) -> Node | None:
    """A step; None if it computes nothing. `same` maps the names of values to those that they are the same
    as.

    Raises UploadError for operators and arguments that are not supported.
    """
    found = operation(described["target"])
    return None if found is None else _node(described, found, same)


def _node(described: Mapping[str, Any], found: Operation, same: Mapping[str, str]) -> Node:
    positional: list[Template] = []
    named: dict[str, Template] = {}
    numbers: list[int | str] = []
    for argument in described["inputs"]:
        place = len(positional) if argument["kind"] == _POSITIONAL else str(argument["name"])
        value = _renamed(template(argument["arg"]), same)
        if isinstance(place, int):
            positional.append(value)
        else:
            named[place] = value
        if not _is_tensor(argument["arg"]):
            numbers.append(place)
    if not found.takes(len(positional), named):
        raise InvalidUploadError(f"the graph calls {described['target']} with other arguments than it takes")
    found.check_kinds(positional, named)
    if found.of_numbers is not None and any(map(found.is_tensor, numbers)):
        found = replace(found, function=found.of_numbers, quick=None)
    positional, named = found.by_position(positional, named)
    return Node(
        described["target"],
        found,
        tuple(positional),
        named,
        [_output(output) for output in described["outputs"]],
        _calls(described["metadata"].get("nn_module_stack", _NO_STACK)),
    )


def _is_tensor(argument: Mapping[str, Any]) -> bool:
    return not {"as_tensor", "as_tensors"}.isdisjoint(argument)


def _renamed(value: Template, same: Mapping[str, str]) -> Template:
    if isinstance(value, Reference):
        return Reference(same.get(value.name, value.name))
    return [_renamed(item, same) for item in value] if isinstance(value, list) else value


def _output(argument: Mapping[str, Any]) -> str | list[str]:
    value = template(argument)
    if isinstance(value, list):
        return references(value)
    return value.name if isinstance(value, Reference) else ""


def _calls(stack: str) -> tuple[ModuleCall, ...] | None:
    """From "key,path,class;key,path,class;…"."""
    if stack.startswith(_NO_STACK):
        return None
    calls = [_call(entry) for entry in stack.split(";") if entry]
    if len(calls) > MAX_DEPTH:
        raise UnsafeUploadError(f"the graph nests more than {MAX_DEPTH} modules")
    return tuple(call for call in calls if call.path)


def _call(entry: str) -> ModuleCall:
    key, path, class_path = entry.split(",", 2)
    if path and not _NAME.fullmatch(path):
        raise ValueError(f"a module's path is {path[:50]!r}")
    return ModuleCall(key, path, class_path.rpartition(".")[2][:100])
