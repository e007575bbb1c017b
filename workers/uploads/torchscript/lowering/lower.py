"""From a graph to the steps of a program."""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from workers.uploads.torchscript.limits import MAX_NESTING, check_constant, unsafe
from workers.uploads.torchscript.loading import Graph, Node, Value
from workers.uploads.torchscript.lowering.scope import Scope
from workers.uploads.torchscript.lowering.slots import Slots, last_uses
from workers.uploads.torchscript.program import Block, Place, Program, Step

if TYPE_CHECKING:
    from workers.uploads.torchscript.lowering.compiler import Compiler

Lowerer = Callable[["Lowering", Node], None]
"""What turns one kind of node into steps."""


class Lowering:
    """One graph on its way to one program."""

    def __init__(
        self,
        compiler: "Compiler",
        program: Program,
        graph: Graph,
        scope: Scope | None,
        known: dict[int, Any] | None = None,
    ) -> None:
        self.compiler = compiler
        self.program = program
        self.scope = scope
        """Whose child modules its operators become; None where they stay inline."""
        self.known: dict[str, Any] = {}
        """Values that are the same in every run, by name."""
        self._graph = graph
        self._names = [value.debugName() for value in graph.inputs()]
        self.slots = Slots(self._names)
        self._steps: list[Step] = []
        self._places: dict[Step, Place] = {}
        self._depth = 0
        self.known |= {self._names[index]: value for index, value in (known or {}).items()}

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
            Refusal: It is nested too deeply.
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
        self._places[step] = Place(self.program.name, node.kind(), calls_out)

    def inputs(self, node: Node, start: int = 0) -> list[int]:
        """Places of a node's inputs."""
        return [self.slots.of(value) for value in list(node.inputs())[start:]]

    def outputs(self, node: Node) -> list[int]:
        """New places for a node's outputs."""
        return [self.slots.new(value) for value in node.outputs()]

    def is_known(self, value: Value) -> bool:
        """Whether a value is the same in every run."""
        return value.debugName() in self.known

    def constant(self, value: Value, content: Any) -> None:
        """Make a value a constant."""
        self.known[value.debugName()] = content
        self.slots.constant(value, content)

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
