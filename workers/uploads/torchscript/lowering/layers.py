"""Operators that are layers, outside a module of their own: each becomes a child module."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor

from workers.uploads.torchscript import recurrent
from workers.uploads.torchscript.loading import Node, Value
from workers.uploads.torchscript.lowering.lower import Lowering
from workers.uploads.torchscript.lowering.plan import OperatorPlan
from workers.uploads.torchscript.lowering.scope import Scope, is_thawable
from workers.uploads.torchscript.lowering.steps import writer
from workers.uploads.torchscript.modules import Operator
from workers.uploads.torchscript.operators import Operation, Parameter, dtypes
from workers.uploads.torchscript.operators.layers import LAYERS, RECURRENT, LayerOperator
from workers.uploads.torchscript.program import Frame, Program

VIEWS = frozenset(
    {"aten::t", "aten::transpose", "aten::numpy_T", "aten::permute", "aten::mT", "aten::detach"}
)
"""Operators through which a parameter is still the same parameter."""


def lower_layer(lowering: Lowering, node: Node, layer: str, operation: Operation) -> bool:
    """Have an operator become a child module; False where it must stay inline."""
    spec = LAYERS[layer]
    values = list(node.inputs())
    if lowering.scope is None:
        return layer in RECURRENT and _lower_recurrent(lowering, node, layer, operation)
    if spec.only_with_weight:
        swapped = _weight_position(lowering, values, spec)
        if swapped is None:
            return False
        spec = swapped
    parameters = operation.parameters or ()
    named = dict(zip((parameter.name for parameter in parameters), values, strict=True))
    bidirectional = "bidirectional" in named and bool(lowering.known(named["bidirectional"]))
    plan = _OperatorBuilder(lowering, layer, spec, bidirectional=bidirectional)
    for position, (value, parameter) in enumerate(zip(values, parameters, strict=True)):
        plan.add(parameter.name if parameter.keyword_only else position, value)
    if layer in RECURRENT:
        name = plan.finish(lowering.scope, _with_tap(layer, operation), takes_module=True)
    else:
        name = plan.finish(lowering.scope, plan.best(operation), takes_module=False)
    _emit(lowering, node, name, plan.inputs)
    return True


def lower_function_as_layer(lowering: Lowering, node: Node, layer: str, program: Program) -> None:
    """Have a call of a function that runs one kind of layer become a child module."""
    assert lowering.scope is not None
    plan = _OperatorBuilder(lowering, layer, LayerOperator())
    for position, value in enumerate(list(node.inputs())[1:]):
        plan.add(position, value)
    _emit(lowering, node, plan.finish(lowering.scope, program.run, takes_module=True), plan.inputs)


def _lower_recurrent(lowering: Lowering, node: Node, layer: str, operation: Operation) -> bool:
    """In a module of its own it stays there, and can be unrolled."""
    slots = lowering.inputs(node)
    write = writer(lowering.outputs(node))
    run = _with_tap(layer, operation)

    def step(frame: Frame) -> None:
        write(frame, run(frame[0], *[frame[i] for i in slots]))

    lowering.emit(step, node)
    return True


def _with_tap(layer: str, operation: Operation) -> Callable[..., Any]:
    """A recurrent operator that is unrolled while the module that runs it has a tap."""
    run = recurrent.runner(layer, operation.function)
    return lambda module, *arguments: run(getattr(module, "time_tap", None), *arguments)


def _weight_position(lowering: Lowering, values: list[Value], spec: LayerOperator) -> LayerOperator | None:
    """How a product's arguments are to be read, if one of them is a parameter."""
    (weight,) = (position for position, name in spec.weights.items() if name == "weight")
    if _is_parameter(lowering, values[weight]):
        return spec
    if len(spec.weights) == 1 and _is_parameter(lowering, values[spec.input]):
        return LayerOperator(input=weight, weights={spec.input: "weight"})
    return None


def _is_parameter(lowering: Lowering, value: Value) -> bool:
    node = value.node()
    while node.kind() in VIEWS:
        value = next(iter(node.inputs()))
        node = value.node()
    if node.kind() == "prim::GetAttr":
        return lowering.compiler.is_parameter(next(iter(node.inputs())).type(), str(node.s("name")))
    return node.kind() == "prim::Constant" and is_thawable(lowering.known(value))


class _OperatorBuilder:
    """Sorts an operator's arguments: constant, own tensors, or given by the caller."""

    def __init__(
        self, lowering: Lowering, layer: str, spec: LayerOperator, *, bidirectional: bool = False
    ) -> None:
        self.inputs: list[int] = []
        self._lowering = lowering
        self._layer = layer
        self._spec = spec
        self._bidirectional = bidirectional
        self._constant: dict[int | str, Any] = {}
        self._given: list[int | str] = []
        self._bound: list[tuple[int, int | None, str]] = []
        self._tensors: dict[str, Tensor] = {}

    def add(self, where: int | str, value: Value) -> None:
        known = self._lowering.known(value)
        if isinstance(where, int) and where == self._spec.weight_list and self._add_list(where, value):
            return
        own = self._spec.weights | self._spec.statistics
        if isinstance(known, Tensor) and isinstance(where, int) and where in own:
            self._bind(where, None, own[where], known)
        elif self._lowering.is_known(value):
            self._constant[where] = known
        elif where == self._spec.input:
            self._given.insert(0, where)
            self.inputs.insert(0, self._lowering.slots.of(value))
        else:
            self._given.append(where)
            self.inputs.append(self._lowering.slots.of(value))

    def best(self, operation: Operation) -> Callable[..., Any]:
        """The quick form of the operator, if what is known allows it."""
        parameters = operation.parameters or ()
        special = any(self._constant.get(position) is not None for position in _special(parameters))
        keywords = any(isinstance(where, str) for where in (*self._constant, *self._given))
        return operation.function if special or keywords else operation.quick or operation.function

    def _bind(self, position: int, index: int | None, name: str, tensor: Tensor) -> None:
        self._bound.append((position, index, name))
        self._tensors[name] = tensor

    def _add_list(self, position: int, value: Value) -> bool:
        """The weights of a recurrent operator in a frozen archive."""
        entries = [self._lowering.known(entry) for entry in value.node().inputs()]
        tensors = [entry for entry in entries if isinstance(entry, Tensor)]
        if not tensors or len(tensors) < len(entries):
            return False
        names = recurrent.weight_names(tensors, bidirectional=self._bidirectional)
        for index, (name, tensor) in enumerate(zip(names, tensors, strict=True)):
            self._bind(position, index, name, tensor)
        return True

    def finish(self, scope: Scope, function: Callable[..., Any], *, takes_module: bool) -> str:
        """Add the operator to its scope; its name there."""
        positions = [where for where in (*self._constant, *self._given) if isinstance(where, int)]
        count = max([*positions, *(position for position, _, _ in self._bound)], default=-1) + 1
        named = {where: value for where, value in self._constant.items() if isinstance(where, str)}
        return scope.add_operator(
            OperatorPlan(
                operator=f"aten::{self._layer}",
                function=function,
                takes_module=takes_module,
                template=tuple(self._constant.get(position) for position in range(count)),
                named={name: value for name, value in named.items() if value is not None},
                given=tuple(self._given),
                bound=tuple(self._bound),
                tensors=self._tensors,
                statistics=frozenset(self._spec.statistics.values()),
                is_recurrent=self._layer in RECURRENT,
            )
        )


def _special(parameters: Sequence[Parameter]) -> list[int]:
    """Positions of dtypes and the like."""
    return [i for i, parameter in enumerate(parameters) if parameter.kind in dtypes.PERMITTED]


def _emit(lowering: Lowering, node: Node, name: str, inputs: list[int]) -> None:
    outputs = lowering.outputs(node)
    write = writer(outputs)
    first, rest = (inputs[0], inputs[1:]) if inputs else (0, [])

    def step(frame: Frame) -> None:
        child = frame[0]._modules[name]
        if rest and isinstance(child, Operator):
            write(frame, child(frame[first], *[frame[i] for i in rest]))
        else:
            write(frame, child(frame[first]))

    def step_one(frame: Frame) -> None:
        frame[outputs[0]] = frame[0]._modules[name](frame[first])

    plain = not rest and len(outputs) == 1
    lowering.emit(step_one if plain else step, node, calls_out=True)
