"""What goes into an exported program and what comes out."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from workers.uploads.errors import InvalidUploadError
from workers.uploads.exported.arguments import Reference, Template, template

_SEQUENCES = {"builtins.list": list, "builtins.tuple": tuple}
_MAPPINGS = ("builtins.dict", "collections.OrderedDict")
_STATES = {
    "parameter": "parameter_name",
    "buffer": "buffer_name",
    "tensor_constant": "tensor_constant_name",
}
"""Kinds of inputs that are the network's own tensors, and what their name is called."""


@dataclass(frozen=True)
class Signature:
    """A program's inputs and outputs."""

    states: Mapping[str, str]
    """From the names of values to the names of parameters, buffers and constants."""
    buffers: frozenset[str]
    """Names of values that are buffers."""
    transient: frozenset[str]
    """Names of buffers that are not part of the network's state, and of constants."""
    input_name: str
    input_shape: tuple[int | None, ...]
    """Shape of the input that it was exported for; None for a dimension that may have any size."""
    changed: Mapping[str, str]
    """From the names of values to those of the buffers that they are the new content of."""
    outputs: tuple[Template, ...]
    tree: Mapping[str, Any] | None
    """How the outputs are nested; None: as a tuple, or alone."""

    @property
    def needed(self) -> list[str]:
        """The values that the graph has to give."""
        given = [output.name for output in self.outputs if isinstance(output, Reference)]
        return [*given, *self.changed]

    def check_input(self, inputs: Tensor) -> None:
        """Raise InvalidUploadError if the program was not exported for inputs of this shape."""
        shape = tuple(inputs.shape)
        fits = len(shape) == len(self.input_shape) and all(
            allowed in (None, size) for size, allowed in zip(shape, self.input_shape, strict=True)
        )
        if fits:
            return
        exported = ", ".join("any" if size is None else str(size) for size in self.input_shape)
        detail = f"the network was exported for inputs of shape ({exported}), but is given {shape}"
        if len(shape) == len(self.input_shape) and self.input_shape[:1] != (None,):
            detail += (
                ": its batch size is fixed. Export it with a dynamic batch: torch.export.export(model, "
                '(example,), dynamic_shapes=({0: torch.export.Dim("batch")},))'
            )
        raise InvalidUploadError(detail)

    def nested(self, values: list[Any]) -> Any:
        """Flat outputs, nested as those of the network that was exported."""
        if self.tree is not None and _leaves(self.tree) == len(values):
            return _nested(self.tree, iter(values))
        return values[0] if len(values) == 1 else tuple(values)


def read_signature(module: Mapping[str, Any]) -> Signature:
    """Read it from a graph module. Raises InvalidUploadError if it does not take one tensor."""
    states, buffers, transient, users = {}, set(), set(), []
    for spec in module["signature"]["input_specs"]:
        ((kind, value),) = spec.items()
        if kind in _STATES:
            states[value["arg"]["name"]] = value[_STATES[kind]]
            if kind != "parameter":
                buffers.add(value["arg"]["name"])
            if kind == "tensor_constant" or not value.get("persistent", True):
                transient.add(value[_STATES[kind]])
        elif kind == "user_input":
            users.append(template(value["arg"]))
        elif kind != "constant_input":
            raise InvalidUploadError(f'the program takes a "{kind[:50]}", which is not supported')
    users = [user for user in users if user is not None]
    if len(users) != 1 or not isinstance(users[0], Reference):
        raise InvalidUploadError(
            f"the program takes {len(users)} inputs; networks with one tensor are supported"
        )
    name = users[0].name
    changed, outputs = _outputs(module["signature"]["output_specs"], states)
    return Signature(
        states,
        frozenset(buffers),
        frozenset(transient),
        name,
        tuple(size.get("as_int") for size in module["graph"]["tensor_values"][name]["sizes"]),
        changed,
        outputs,
        _tree(module),
    )


def _outputs(
    specs: list[Mapping[str, Any]], states: Mapping[str, str]
) -> tuple[dict[str, str], tuple[Template, ...]]:
    """New contents of buffers by the name of the value, and the user's outputs."""
    changed, outputs = {}, []
    for spec in specs:
        ((kind, value),) = spec.items()
        if kind == "user_output":
            outputs.append(template(value["arg"]))
        elif kind == "buffer_mutation":
            changed[value["arg"]["name"]] = value["buffer_name"]
        else:
            raise InvalidUploadError(f'the program gives a "{kind[:50]}", which is not supported')
    if not outputs:
        raise InvalidUploadError("the program has no outputs")
    return {name: buffer for name, buffer in changed.items() if states.get(name) != buffer}, tuple(outputs)


def _tree(module: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The nesting of the outputs, if it is of kinds that are known."""
    signatures = [entry.get("signature") for entry in module["module_call_graph"] if entry["fqn"] == ""]
    if not signatures or not signatures[0]:
        return None
    tree = json.loads(signatures[0]["out_spec"])[1]
    return tree if isinstance(tree, dict) and _is_known(tree) else None


def _is_known(tree: Mapping[str, Any]) -> bool:
    children = tree["children_spec"]
    if tree["type"] is None:
        return not children
    if tree["type"] in _MAPPINGS and len(_keys(tree)) != len(children):
        return False
    return (tree["type"] in _SEQUENCES or tree["type"] in _MAPPINGS) and all(map(_is_known, children))


def _keys(tree: Mapping[str, Any]) -> list[Any]:
    keys = json.loads(tree["context"])
    return keys if isinstance(keys, list) and all(isinstance(key, str | int) for key in keys) else []


def _leaves(tree: Mapping[str, Any]) -> int:
    return 1 if tree["type"] is None else sum(map(_leaves, tree["children_spec"]))


def _nested(tree: Mapping[str, Any], values: Any) -> Any:
    if tree["type"] is None:
        return next(values)
    children = [_nested(child, values) for child in tree["children_spec"]]
    if tree["type"] in _MAPPINGS:
        return dict(zip(_keys(tree), children, strict=True))
    return _SEQUENCES[tree["type"]](children)
