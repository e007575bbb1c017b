"""All steps of an exported graph."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from workers.uploads.errors import UnsafeUploadError
from workers.uploads.exported import subgraphs
from workers.uploads.exported.nodes import Node, read_node

MAX_NODES = 100_000
MAX_SUBGRAPHS = 20
"""Most subgraphs within one another."""


def read_nodes(graph: Mapping[str, Any], buffers: set[str], depth: int = 0) -> list[Node]:
    """The steps of a graph, without those that compute nothing, with those of its subgraphs.

    What an operator in place gives is the buffer that it changed, if it changed one: `buffers` has their
    names. Raises UploadError for operators and arguments that are not supported.
    """
    if len(graph["nodes"]) > MAX_NODES or depth > MAX_SUBGRAPHS:
        raise UnsafeUploadError(
            f"the graph has more than {MAX_NODES:,} steps, or too many within one another"
        )
    same: dict[str, str] = {}
    nodes: list[Node] = []
    for described in graph["nodes"]:
        if described["target"] == subgraphs.TARGET:
            nodes += subgraphs.inlined(described, lambda inner: read_nodes(inner, buffers, depth + 1))
            continue
        node = read_node(described, same)
        if node is None:
            continue
        if node.operation.name.endswith("_") and node.uses[:1] and node.uses[0] in buffers:
            same |= dict.fromkeys(node.gives, node.uses[0])
            node = replace(node, outputs=[])
        nodes.append(node)
    return nodes
