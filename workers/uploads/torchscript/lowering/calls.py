"""Calls of modules, of methods and of free functions."""

from collections.abc import Callable
from typing import Any

from workers.uploads.torchscript.limits import invalid
from workers.uploads.torchscript.loading import Node
from workers.uploads.torchscript.lowering.layers import lower_function_as_layer
from workers.uploads.torchscript.lowering.lower import Lowering
from workers.uploads.torchscript.lowering.steps import writer
from workers.uploads.torchscript.modules import call_method
from workers.uploads.torchscript.objects import ScriptInstance
from workers.uploads.torchscript.operators.containers import unpack
from workers.uploads.torchscript.program import Frame, Program, Step

MAX_INLINED = 30
"""Nodes of a function that is written into its callers although it has no layers."""


def lower_method(lowering: Lowering, node: Node) -> None:
    """`prim::CallMethod`. A module's `forward` is called as modules are, so that its hooks run."""
    receiver, *arguments = lowering.inputs(node)
    name = str(node.s("name"))
    outputs = lowering.outputs(node)
    is_plain = name == "forward" and len(arguments) == 1 and len(outputs) == 1
    step = (
        _call_plain(receiver, arguments[0], outputs[0])
        if is_plain
        else _call(receiver, name, arguments, outputs)
    )
    lowering.emit(step, node, calls_out=True)


def _call_plain(receiver: int, argument: int, out: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = frame[receiver](frame[argument])

    return step


def _call(receiver: int, name: str, arguments: list[int], outputs: list[int]) -> Step:
    write = writer(outputs)

    def step(frame: Frame) -> None:
        write(frame, call_method(frame[receiver], name, [frame[i] for i in arguments]))

    return step


def lower_function(lowering: Lowering, node: Node) -> None:
    """`prim::CallFunction`.

    A function that runs one kind of layer, such as `torch.nn.functional.relu`, becomes a child module of the
    module that calls it. One that runs several is written into its caller, so that each becomes a child; so
    are others, to save calls, as long as they are small.
    """
    function, *arguments = node.inputs()
    qualified = str(function.type())
    layers = lowering.compiler.analysis.layers_of(qualified) if lowering.scope is not None else frozenset()
    graph = lowering.compiler.graph_of(qualified)
    if len(layers) == 1:
        (layer,) = layers
        known = {i: lowering.known(v) for i, v in enumerate(arguments) if lowering.is_known(v)}
        lower_function_as_layer(lowering, node, layer, lowering.compiler.function(qualified, known))
    elif layers or (lowering.can_inline() and len(list(graph.nodes())) <= MAX_INLINED):
        name = qualified.rpartition(".")[2]
        lowering.inline_function(name, graph, arguments, next(iter(node.outputs())))
    else:
        emit_program(lowering, node, lowering.compiler.function(qualified, {}), 1)


def lower_fork(lowering: Lowering, node: Node) -> None:
    """`prim::fork`: its function runs at once, in this thread. Waiting for it then takes no time."""
    program = lowering.compiler.subgraph(node.g("Subgraph"), lowering.program.name, lowering.scope)
    emit_program(lowering, node, program, 0)


def emit_program(lowering: Lowering, node: Node, program: Program, start: int) -> None:
    """Call a program with a node's inputs from `start` on, for the same module."""
    inputs = lowering.inputs(node, start)
    write = writer(lowering.outputs(node))
    run = program.run

    def step(frame: Frame) -> None:
        write(frame, run(frame[0], *[frame[i] for i in inputs]))

    lowering.emit(step, node, calls_out=True)


def lower_create_object(lowering: Lowering, node: Node) -> None:
    """`prim::CreateObject`: an instance of a class of the archive, before its `__init__`."""
    kind = next(iter(node.outputs())).type()
    methods = lowering.compiler.class_methods(kind)
    name = str(kind)
    (out,) = lowering.outputs(node)

    def step(frame: Frame) -> None:
        frame[out] = ScriptInstance(name, methods)

    lowering.emit(step, node)


def lower_unpack(lowering: Lowering, node: Node) -> None:
    """`prim::TupleUnpack`, `prim::ListUnpack`."""
    (source,) = lowering.inputs(node)
    outputs = lowering.outputs(node)

    def step(frame: Frame) -> None:
        for out, value in zip(outputs, unpack(frame[source], len(outputs)), strict=True):
            frame[out] = value

    lowering.emit(step, node)


_PLAIN_TYPES: dict[str, type | tuple[type, ...]] = {
    "int": int,
    "float": float,
    "complex": complex,
    "bool": bool,
    "str": str,
    "NoneType": type(None),
    "List": list,
    "Tuple": tuple,
    "Dict": dict,
}


def lower_isinstance(lowering: Lowering, node: Node) -> None:
    """`prim::isinstance`."""
    tests = [_type_test(str(kind)) for kind in node.tys("types")]
    (source,) = lowering.inputs(node)
    (out,) = lowering.outputs(node)

    def step(frame: Frame) -> None:
        frame[out] = any(test(frame[source]) for test in tests)

    lowering.emit(step, node)


def _type_test(name: str) -> Callable[[Any], bool]:
    import torch

    plain = {**_PLAIN_TYPES, "Tensor": torch.Tensor}.get(name.split("[")[0])
    if plain is not None:
        return lambda value: type(value) is plain if plain is int else isinstance(value, plain)
    if name.startswith("__torch__"):
        return lambda value: isinstance(value, ScriptInstance) and value.type_name == name
    raise invalid(f"The type {name[:200]} cannot be tested for here.")
