"""From a graph to the steps of a program."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from workers.uploads.torchscript.limits import MAX_NESTING, check_constant, unsafe
from workers.uploads.torchscript.loading import Graph, Node, Value
from workers.uploads.torchscript.lowering.scope import Scope
from workers.uploads.torchscript.lowering.slots import Slots, last_uses
from workers.uploads.torchscript.lowering.steps import move
from workers.uploads.torchscript.program import Block, Place, Program, Step

if TYPE_CHECKING:
    from workers.uploads.torchscript.lowering.compiler import Compiler

Lowerer = Callable[["Lowering", Node], None]
"""What turns one kind of node into steps."""


INLINED_LEVELS = 3
"""Levels of functions that are written into one another only to save calls."""


class Lowering:
    """One graph on its way to one program."""

    def __init__(
        self,
        compiler: "Compiler",
        program: Program,
        graph: Graph,
        scope: Scope | None,
        known: dict[int, Any] | None = None,
        *,
        is_own_layer: bool = False,
    ) -> None:
        self.compiler = compiler
        self.program = program
        self.scope = scope
        """Whose child modules its operators become; None where they stay inline."""
        self.is_own_layer = is_own_layer
        """Whether it is the code of one of PyTorch's own modules."""
        self.function = program.name
        """The function whose nodes are being read: the program's own, or one that is written into it."""
        self._known: dict[str, Any] = {}
        self._inlined = 0
        self._inline_depth = 0
        self._graph = graph
        self._names = [value.debugName() for value in graph.inputs()]
        self.slots = Slots(self._names)
        self._steps: list[Step] = []
        self._places: dict[Step, Place] = {}
        self._depth = 0
        self._known |= {self._names[index]: value for index, value in (known or {}).items()}

    def fill(self, parameters: Sequence[str], defaults: dict[int, Any]) -> None:
        """Read the graph and complete the program."""
        outputs = list(self._graph.outputs())
        block = self._read(self._graph.nodes(), outputs, self._names)
        program = self.program
        program.parameters = tuple(parameters)
        program.defaults = {index: check_constant(value) for index, value in defaults.items()}
        program.block = block
        program.cost = len(block) + 1
        if outputs:
            program.result = self.slots.of(outputs[0])
        program.tail = self.slots.tail
        if not outputs:
            program.result = len(parameters) + len(program.tail) + 1
            program.tail.append(None)

    def block(self, block: Graph) -> Block:
        """The steps of a nested block, apart from those around it.

        Raises:
            RefusalError: It is nested too deeply.
        """
        if self._depth >= MAX_NESTING:
            raise unsafe(f"Loops and conditions are nested more than {MAX_NESTING} deep.")
        outer, self._steps = self._steps, []
        self._depth += 1
        names = [value.debugName() for value in block.inputs()]
        result = self._read(block.nodes(), list(block.outputs()), names)
        self._depth -= 1
        self._steps = outer
        return result

    def inline(self, block: Graph) -> None:
        """Put the steps of a nested block here, where it always runs."""
        names = [value.debugName() for value in block.inputs()]
        self._lower(block.nodes(), list(block.outputs()), names)

    def emit(self, step: Step, node: Node, *, calls_out: bool = False) -> None:
        """Append a step."""
        self._steps.append(step)
        self._places[step] = Place(self.function, node.kind(), calls_out)

    def last_step(self) -> Step | None:
        """The last step of the block that is being read."""
        return self._steps[-1] if self._steps else None

    def drop_last_step(self) -> None:
        """Take it back, to put another in its place."""
        self._places.pop(self._steps.pop())

    def inputs(self, node: Node, start: int = 0) -> list[int]:
        """Places of a node's inputs."""
        return [self.slots.of(value) for value in list(node.inputs())[start:]]

    def outputs(self, node: Node) -> list[int]:
        """New places for a node's outputs."""
        return [self.slots.new(value) for value in node.outputs()]

    def is_known(self, value: Value) -> bool:
        """Whether a value is the same in every run."""
        return self.slots.key(value) in self._known

    def known(self, value: Value) -> Any:
        """What a value is in every run; None too where that is not known."""
        return self._known.get(self.slots.key(value))

    def note(self, value: Value, content: Any) -> None:
        """Note what a value is in every run."""
        self._known[self.slots.key(value)] = content

    def constant(self, value: Value, content: Any) -> None:
        """Make a value a constant."""
        self.note(value, content)
        self.slots.constant(value, content)

    def can_inline(self) -> bool:
        """Whether a function without layers is written into this one, to save a call. Not for ever: functions
        that call others twice, level by level, would double each time."""
        return self._inline_depth < INLINED_LEVELS

    def inline_function(self, name: str, graph: Graph, arguments: list[Value], output: Value) -> None:
        """Write a function's steps here, in place of a call.

        Raises:
            RefusalError: Functions are nested too deeply.
        """
        if self._inline_depth >= MAX_NESTING:
            raise unsafe(f"Functions are nested more than {MAX_NESTING} deep.")
        given = [(self.slots.of(value), self.is_known(value), self.known(value)) for value in arguments]
        outside = self.slots.prefix, self.function
        self._inlined += 1
        self._inline_depth += 1
        self.slots.prefix, self.function = f"{self._inlined}:", f"{name}, called by {self.function}"
        for value, (slot, is_known, known) in zip(graph.inputs(), given, strict=True):
            self.slots.bind(value, slot)
            if is_known:
                self.note(value, known)
        self._lower(graph.nodes(), list(graph.outputs()), ())
        result = next(iter(graph.outputs()))
        slot, is_known, known = self.slots.of(result), self.is_known(result), self.known(result)
        self.slots.prefix, self.function = outside
        self._inline_depth -= 1
        if is_known:
            self.constant(output, known)
        elif slot in [place for place, _, _ in given]:
            self._steps.append(move([slot], [self.slots.new(output)]))
        else:
            self.slots.bind(output, slot)

    def _read(self, nodes: Iterable[Node], outputs: list[Value], names: Iterable[str]) -> Block:
        self._lower(nodes, outputs, names)
        return Block(self._steps, self._places)

    def _lower(self, nodes: Iterable[Node], outputs: list[Value], names: Iterable[str]) -> None:
        listed = list(nodes)
        self.compiler.count(len(listed))
        used_later = {value.debugName() for value in outputs}
        for node, dying in zip(listed, last_uses(listed, used_later, set(names)), strict=True):
            self.compiler.lower(self, node)
            self.slots.release(dying)
