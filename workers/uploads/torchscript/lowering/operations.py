"""Nodes that run an operator."""

from collections.abc import Callable
from typing import Any

from workers.uploads.torchscript.limits import invalid
from workers.uploads.torchscript.loading import Node, Value, line, schema
from workers.uploads.torchscript.lowering.layers import lower_layer
from workers.uploads.torchscript.lowering.lower import Lowering
from workers.uploads.torchscript.lowering.steps import call
from workers.uploads.torchscript.operators import Operation, Parameter, dtypes, resolve
from workers.uploads.torchscript.operators.layers import layer_name
from workers.uploads.torchscript.program import Frame

FOLDED = frozenset({"aten::__is__", "aten::__isnot__", "aten::__not__"})
"""Operators that are computed here where all they are given is known, so that a branch is never taken."""

TRUSTED = frozenset({"prim::dtype", "prim::layout"})
"""Nodes that give valid numbers of dtypes and layouts."""


def lower_operation(lowering: Lowering, node: Node) -> None:
    """Any node without a form of its own."""
    kind, inputs = str(node.kind()), list(node.inputs())
    operation = resolve(kind, schema(node))
    if operation is None:
        _lower_unsupported(lowering, node)
        return
    if kind in FOLDED and all(lowering.is_known(value) for value in inputs):
        values = [lowering.known(value) for value in inputs]
        lowering.constant(next(iter(node.outputs())), operation.function(*values))
        return
    if operation.parameters is None:
        slots = lowering.inputs(node)
        lowering.emit(call(operation.function, slots, lowering.outputs(node), {}), node)
        return
    _check_numbers(lowering, node, operation.parameters)
    layer = layer_name(kind)
    if layer is not None and lower_layer(lowering, node, layer, operation):
        return
    _lower_inline(lowering, node, operation)


def _lower_inline(lowering: Lowering, node: Node, operation: Operation) -> None:
    positional: list[Value] = []
    named: dict[str, int] = {}
    for value, parameter in zip(node.inputs(), operation.parameters or (), strict=True):
        if not parameter.keyword_only:
            positional.append(value)
        elif not is_default(lowering, value, parameter):
            named[parameter.name] = lowering.slots.of(value)
    parameters = operation.parameters or ()
    while positional and is_default(lowering, positional[-1], parameters[len(positional) - 1]):
        positional.pop()
    slots = [lowering.slots.of(value) for value in positional]
    function = operation.function if named else best_function(lowering, list(node.inputs()), operation)
    lowering.emit(call(function, slots, lowering.outputs(node), named), node)


def best_function(lowering: Lowering, values: list[Value], operation: Operation) -> Callable[..., Any]:
    """The quick form of an operator, where no argument stands for a dtype or the like."""
    for value, parameter in zip(values, operation.parameters or (), strict=True):
        if parameter.kind in dtypes.PERMITTED and not (
            lowering.is_known(value) and lowering.known(value) is None
        ):
            return operation.function
    return operation.quick or operation.function


def is_default(lowering: Lowering, value: Value, parameter: Parameter) -> bool:
    """Whether an argument says what the operator would do anyhow."""
    if not parameter.has_default or not lowering.is_known(value):
        return False
    known = lowering.known(value)
    return type(known) is type(parameter.default) and bool(known == parameter.default)


def _check_numbers(lowering: Lowering, node: Node, parameters: tuple[Parameter, ...]) -> None:
    """Check dtypes, layouts and memory formats: now where they are known, else whenever the node runs."""
    for value, parameter in zip(node.inputs(), parameters, strict=True):
        if parameter.kind not in dtypes.PERMITTED or value.node().kind() in TRUSTED:
            continue
        if lowering.is_known(value):
            _check_known(lowering, node, parameter.kind, lowering.known(value))
        else:
            _check_later(lowering, node, parameter.kind, lowering.slots.of(value))


def _check_known(lowering: Lowering, node: Node, kind: str, value: Any) -> None:
    if value not in dtypes.PERMITTED[kind]:
        lowering.emit(lambda _: dtypes.check(kind, value), node)


def _check_later(lowering: Lowering, node: Node, kind: str, slot: int) -> None:
    def step(frame: Frame) -> None:
        dtypes.check(kind, frame[slot])

    lowering.emit(step, node)


def _lower_unsupported(lowering: Lowering, node: Node) -> None:
    """Refuse the operator where it is reached: much code has branches that it never takes."""
    name = (schema(node) or node.kind()).partition("(")[0]
    reason = f"The operator {name} is not supported{line(node)}."
    lowering.outputs(node)

    def step(_: Frame) -> None:
        raise invalid(reason)

    lowering.emit(step, node)
