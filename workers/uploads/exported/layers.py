"""Operators that are layers: outside of a module of their own they become one."""

from collections.abc import Callable, Collection
from typing import Any

from torch import nn

from workers.uploads.exported.arguments import Reference, Template, varies
from workers.uploads.exported.frames import Frame
from workers.uploads.exported.nodes import Node
from workers.uploads.torchscript import recurrent
from workers.uploads.torchscript.lowering.plan import OperatorPlan
from workers.uploads.torchscript.modules import Operator, RecurrentOperator
from workers.uploads.torchscript.operators.layers import LAYERS, RECURRENT

_VIEWS = ("t", "transpose", "permute", "numpy_T", "mT", "detach", "alias")
"""Operators through which a parameter is still the same parameter."""
_UNPACKED = ".input"
"""Overload of recurrent operators over tensors; others are over packed sequences, and cannot be unrolled."""


class Layers:
    """Which steps of a program are layers."""

    def __init__(self, root: Frame, parameters: Collection[str]) -> None:
        self._parameters = set(parameters)
        for node in root.nodes():
            if node.operation.name in _VIEWS and node.uses and node.uses[0] in self._parameters:
                self._parameters.update(node.gives)
        calls = [frame for frame in root.frames() if frame.call.path]
        several = {frame.call.path for frame in calls if not self._is_leaf(frame)}
        self.leaves = {frame.call.path for frame in calls} - several
        """Paths of modules that are but one layer."""
        self.recurrent = {
            frame.call.path
            for frame in calls
            if frame.call.path in self.leaves and any(is_recurrent(node) for node in frame.nodes())
        }
        """Paths of those of them that run over time."""

    def flow(self, node: Node) -> int | None:
        """The position of the tensor that flows through a step, if the step is a layer."""
        layer = node.operation.layer
        if layer is None:
            return None
        spec = LAYERS[layer]
        if not spec.only_with_weight:
            return spec.input if spec.input < len(node.positional) else None
        weight = next(position for position, name in spec.weights.items() if name == "weight")
        if self._is_parameter(node, weight):
            return spec.input
        return weight if len(spec.weights) == 1 and self._is_parameter(node, spec.input) else None

    def _is_parameter(self, node: Node, position: int) -> bool:
        value = node.positional[position] if position < len(node.positional) else None
        return isinstance(value, Reference) and value.name in self._parameters

    def _is_leaf(self, frame: Frame) -> bool:
        steps = [item for item in frame.items if isinstance(item, Node)]
        return len(steps) == len(frame.items) and sum(self.flow(step) is not None for step in steps) <= 1


def is_recurrent(node: Node) -> bool:
    """Whether a step runs over time and can be unrolled."""
    return node.operation.layer in RECURRENT and node.target.endswith(_UNPACKED)


def with_tap(node: Node) -> Callable[..., Any]:
    """What runs a recurrent step: (module, then the operator's arguments), unrolled while the module has a
    tap."""
    run = recurrent.runner(node.operation.name, node.operation.function)
    return lambda module, *arguments: run(getattr(module, "time_tap", None), *arguments)


class OperatorChildren:
    """Layers that are children of one module. Calls of the module share those that are alike."""

    def __init__(self, module: nn.Module) -> None:
        self._module = module
        self._made: list[tuple[str, str]] = []
        """(what it is, its name) of each."""
        self._used: set[str] = set()
        """Names of those that the present call has used."""

    def begin_call(self) -> None:
        self._used.clear()

    def add(self, node: Node, flow: int) -> tuple[str, list[Template]]:
        """The name of the child for a step, and what it is to be given: first the tensor that flows through
        it."""
        plan, given = _plan(node, flow)
        what = f"{node.target} {plan.template} {dict(plan.named)} {plan.given}"
        name = next((name for made, name in self._made if made == what and name not in self._used), None)
        if name is None:
            name = self._unused(node.operation.name.strip("_"))
            self._module.add_module(name, RecurrentOperator(plan) if plan.is_recurrent else Operator(plan))
            self._made.append((what, name))
        self._used.add(name)
        return name, given

    def _unused(self, wanted: str) -> str:
        name, count = wanted, 0
        while hasattr(self._module, name):
            count += 1
            name = f"{wanted}_{count}"
        return name


def _plan(node: Node, flow: int) -> tuple[OperatorPlan, list[Template]]:
    arguments: dict[int | str, Template] = dict(enumerate(node.positional))
    arguments.update(node.named)
    given = {where: value for where, value in arguments.items() if varies(value)}
    order = sorted(given, key=lambda where: where != flow)
    recurrent_step = is_recurrent(node)
    quick = None if node.named else node.operation.quick
    plan = OperatorPlan(
        operator=f"aten::{node.operation.layer}",
        function=with_tap(node) if recurrent_step else quick or node.operation.function,
        template=tuple(None if at in given else value for at, value in enumerate(node.positional)),
        named={name: value for name, value in node.named.items() if name not in given},
        given=tuple(order),
        takes_module=recurrent_step,
        is_recurrent=recurrent_step,
    )
    return plan, [given[where] for where in order]
