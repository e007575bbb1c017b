"""Reading all code of an archive: its types of module, functions and classes."""

from collections.abc import Mapping
from typing import Any

from workers.uploads.torchscript.limits import MAX_NODES, invalid, unsafe
from workers.uploads.torchscript.loading import (
    Archive,
    Graph,
    Node,
    ScriptModule,
    buffers,
    children,
    class_name,
    parameters,
    type_name,
)
from workers.uploads.torchscript.lowering.analysis import Analysis
from workers.uploads.torchscript.lowering.lower import Lowering
from workers.uploads.torchscript.lowering.operations import lower_operation
from workers.uploads.torchscript.lowering.plan import TypePlan
from workers.uploads.torchscript.lowering.scope import Scope
from workers.uploads.torchscript.lowering.statements import FORMS
from workers.uploads.torchscript.program import Program
from workers.uploads.torchscript.runtime import Runtime

OWN_LAYERS = "__torch__.torch.nn.modules."
"""Where PyTorch's own modules stand. Those without submodules are layers, whatever they run inside."""
CLOSED = frozenset({"MultiheadAttention"})
"""Modules of PyTorch that are one layer although they have submodules."""


class Compiler:
    """Makes programs of an archive's code; each function and each type of module once."""

    def __init__(self, archive: Archive, *, frozen: bool) -> None:
        self.analysis = Analysis(archive.unit)
        self.attributes: dict[str, set[str]] = {}
        """Names of the attributes that the code reads or writes, by the name of the type that has them."""
        self._unit = archive.unit
        self._root = type_name(archive.root)
        self._frozen = frozen
        self._runtime = Runtime()
        self._functions: dict[tuple[Any, ...], Program] = {}
        self._classes: dict[str, dict[str, Program]] = {}
        self._kinds: dict[str, dict[str, str]] = {}
        self._nodes = 0

    def know(self, module: ScriptModule) -> None:
        """Note what kinds of attribute a type of module has, before any code is read."""
        kinds = dict.fromkeys((name for name, _ in children(module)), "module")
        kinds |= dict.fromkeys((name for name, _ in parameters(module)), "parameter")
        kinds |= dict.fromkeys((name for name, _ in buffers(module)), "buffer")
        self._kinds[type_name(module)] = kinds | {"training": "training"}

    def module_type(self, module: ScriptModule) -> TypePlan:
        """Read the code of a type of module."""
        qualified = type_name(module)
        plan = TypePlan(class_name(qualified), self._runtime)
        graphs = {str(name): module._get_method(name) for name in module._method_names()}
        scope = self._scope(module, plan, [method.graph for method in graphs.values()])
        for name in graphs:
            plan.methods[name] = Program(f"{plan.name}.{name}", self._runtime)
        is_own_layer = qualified.startswith(OWN_LAYERS)
        for name, method in graphs.items():
            self._fill(plan.methods[name], method, scope, is_own_layer=is_own_layer)
        if qualified == self._root:
            plan.pre_hooks = self._hooks(module._get_forward_pre_hooks(), "forward_pre_hook")
            plan.hooks = self._hooks(module._get_forward_hooks(), "forward_hook")
        plan.is_recurrent = scope is None and any(
            self.analysis.is_recurrent(method.graph) for method in graphs.values()
        )
        return plan

    def function(self, qualified: str, known: Mapping[int, Any]) -> Program:
        """A free function whose layers stay inline, for calls with these arguments known.

        Raises:
            RefusalError: The archive has no such function.
        """
        plain = {i: v for i, v in known.items() if v is None or isinstance(v, bool | int | float | str)}
        key = (qualified, tuple((i, type(v), v) for i, v in sorted(plain.items())))
        if key not in self._functions:
            function = self._find(qualified)
            self._functions[key] = program = Program(class_name(qualified), self._runtime)
            self._fill(program, function, None, plain)
        return self._functions[key]

    def graph_of(self, qualified: str) -> Graph:
        """The graph of a free function."""
        return self._find(qualified).graph

    def subgraph(self, graph: Graph, name: str, scope: Scope | None) -> Program:
        """A graph without a name."""
        program = Program(f"{name} (forked)", self._runtime)
        Lowering(self, program, graph, scope).fill([v.debugName() for v in graph.inputs()], {})
        return program

    def class_methods(self, kind: Any) -> Mapping[str, Program]:
        """The methods of a class that the archive defines."""
        qualified = str(kind)
        if qualified not in self._classes:
            methods: dict[str, Program] = {}
            self._classes[qualified] = methods
            for name in kind.method_names():
                methods[name] = Program(f"{class_name(qualified)}.{name}", self._runtime)
            for name, program in methods.items():
                self._fill(program, self._find(f"{qualified}.{name}"), None)
        return self._classes[qualified]

    def note_attribute(self, kind: Any, name: str) -> str:
        """Note that code uses an attribute; what kind of attribute it is."""
        self.attributes.setdefault(str(kind), set()).add(name)
        return self._kinds.get(str(kind), {}).get(name, "plain")

    def is_parameter(self, kind: Any, name: str) -> bool:
        """Whether a type of module has a parameter of this name."""
        return self._kinds.get(str(kind), {}).get(name) == "parameter"

    def lower(self, lowering: Lowering, node: Node) -> None:
        """Turn one node into steps."""
        FORMS.get(str(node.kind()), lower_operation)(lowering, node)

    def count(self, nodes: int) -> None:
        """Count nodes that have been read.

        Raises:
            RefusalError: There are too many.
        """
        self._nodes += nodes
        if self._nodes > MAX_NODES:
            raise unsafe(f"The network's code has more than {MAX_NODES:,} statements.")

    def _scope(self, module: ScriptModule, plan: TypePlan, graphs: list[Graph]) -> Scope | None:
        """Where the operators of a type's code go; None if it is itself the layer."""
        qualified = type_name(module)
        is_root = qualified == self._root
        has_children = bool(children(module))
        if not (is_root and self._frozen):
            if qualified.startswith(OWN_LAYERS) and (not has_children or plan.name in CLOSED):
                return None
            if not has_children and not is_root and sum(map(self.analysis.count_layers, graphs)) <= 1:
                return None
        return Scope(plan, {*self._kinds[qualified], *module._method_names()}, thaws=self._frozen)

    def _hooks(self, hooks: Any, name: str) -> tuple[Program, ...]:
        programs = []
        for hook in hooks:
            program = Program(name, self._runtime)
            self._fill(program, hook, None)
            programs.append(program)
        return tuple(programs)

    def _find(self, qualified: str) -> Any:
        function = self._unit.find_function(qualified)
        if function is None:
            raise invalid(f"The archive has no function {qualified[:200]}.")
        return function

    def _fill(
        self,
        program: Program,
        function: Any,
        scope: Scope | None,
        known: Mapping[int, Any] | None = None,
        *,
        is_own_layer: bool = False,
    ) -> None:
        arguments = list(function.schema.arguments)
        defaults = {i: a.default_value for i, a in enumerate(arguments) if a.has_default_value()}
        lowering = Lowering(
            self, program, function.graph, scope, dict(known or {}), is_own_layer=is_own_layer
        )
        lowering.fill([argument.name for argument in arguments], defaults)
