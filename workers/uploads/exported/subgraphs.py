"""Parts of a graph that run with gradients switched off or on: `torch.no_grad` in a forward pass."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from typing import Any

import torch

from workers.uploads.exported.arguments import Reference, Template, template
from workers.uploads.exported.nodes import ModuleCall, Node, Outputs
from workers.uploads.exported.operators import Operation

TARGET = "torch.ops.higher_order.wrap_with_set_grad_enabled"

Reader = Callable[[Mapping[str, Any]], list[Node]]
"""Reads the steps of a graph."""


def inlined(described: Mapping[str, Any], read: Reader) -> Iterator[Node]:
    """The steps of a subgraph, between two that switch gradients and switch them back.

    Its values get names that no others have.
    """
    enabled, (name, graph), *operands = [_argument(argument["arg"]) for argument in described["inputs"]]
    given = dict(zip(_names(graph["inputs"]), operands, strict=True))
    results = dict(zip(_names(graph["outputs"]), _names(described["outputs"]), strict=True))

    def renamed(value: str) -> Template:
        return given[value] if value in given else Reference(results.get(value, f"{name}.{value}"))

    nodes = [_renamed(node, renamed) for node in read(graph)]
    before: list[bool] = []
    calls = _common(nodes)
    yield _switch(lambda: _enter(before, bool(enabled)), calls)
    yield from nodes
    yield _switch(lambda: torch.set_grad_enabled(before.pop()), calls)


def _argument(argument: Mapping[str, Any]) -> Any:
    if "as_graph" in argument:
        return argument["as_graph"]["name"], argument["as_graph"]["graph"]
    return template(argument)


def _names(arguments: list[Mapping[str, Any]]) -> list[str]:
    """Of tensors; other results of a subgraph are not supported."""
    values = [item for argument in arguments for item in _flat(template(argument))]
    return [value.name for value in values if isinstance(value, Reference)]


def _flat(value: Template) -> list[Template]:
    return value if isinstance(value, list) else [value]


def _renamed(node: Node, rename: Callable[[str], Template]) -> Node:
    def place(value: Template) -> Template:
        if isinstance(value, Reference):
            return rename(value.name)
        return [place(item) for item in value] if isinstance(value, list) else value

    def result(name: str) -> str:
        return str(rename(name).name)

    outputs: Outputs = [
        result(output) if isinstance(output, str) else [result(name) for name in output]
        for output in node.outputs
    ]
    named = {name: place(value) for name, value in node.named.items()}
    return replace(
        node, positional=tuple(place(value) for value in node.positional), named=named, outputs=outputs
    )


def _common(nodes: list[Node]) -> tuple[ModuleCall, ...]:
    """The calls that all of these steps are part of."""
    stacks = [node.calls for node in nodes if node.calls is not None]
    common: list[ModuleCall] = []
    for calls in zip(*stacks, strict=False):
        if len(set(calls)) > 1:
            break
        common.append(calls[0])
    return tuple(common)


def _switch(function: Callable[[], Any], calls: tuple[ModuleCall, ...]) -> Node:
    return Node(TARGET, Operation(function, "set_grad_enabled"), (), {}, [], calls)


def _enter(before: list[bool], enabled: bool) -> None:
    before[:] = [torch.is_grad_enabled()]
    torch.set_grad_enabled(enabled)
