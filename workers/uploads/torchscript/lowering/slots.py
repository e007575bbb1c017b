"""Where each value of a function stands in its frame.

A value gives its place back after its last use, so that a tensor that the code no longer needs is freed, and
not kept until the function ends.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Any

from workers.uploads.torchscript.loading import Node, Value


class Slots:
    """The places of one frame: owner, arguments, then constants and intermediate values."""

    prefix = ""
    """Tells values of a function that is written into another one from those around it."""

    def __init__(self, arguments: Iterable[str]) -> None:
        self._of: dict[str, int] = {}
        for index, name in enumerate(arguments):
            self._of[name] = index + 1
        self._first = len(self._of) + 1
        self._free: list[int] = []
        self._constants: set[str] = set()
        self.tail: list[Any] = []

    def of(self, value: Value) -> int:
        """The place of a value that has been computed."""
        return self._of[self.key(value)]

    def key(self, value: Value) -> str:
        """A value's name, unique in the frame."""
        return f"{self.prefix}{value.debugName()}"

    def bind(self, value: Value, slot: int) -> None:
        """Have a value stand where another one does."""
        self._of[self.key(value)] = slot

    def constant(self, value: Value, content: Any) -> int:
        """A place that holds a constant for good."""
        self.tail.append(content)
        self._constants.add(self.key(value))
        return self._name(value, self._first + len(self.tail) - 1)

    def new(self, value: Value) -> int:
        """A place for a value."""
        if not self._free:
            self.tail.append(None)
            self._free.append(self._first + len(self.tail) - 1)
        return self._name(value, self._free.pop())

    def release(self, names: Iterable[str]) -> None:
        """Values that are not used again."""
        keys = (f"{self.prefix}{name}" for name in names)
        self._free += [self._of[key] for key in keys if key in self._of and key not in self._constants]

    @contextmanager
    def nested(self) -> Iterator[None]:
        """Places given back inside are free only inside; those free outside are free again afterwards."""
        free = list(self._free)
        yield
        self._free = free

    def _name(self, value: Value, slot: int) -> int:
        self._of[self.key(value)] = slot
        return slot


def names_used(node: Node) -> set[str]:
    """Names of the values that a node reads, in its nested blocks too."""
    names = {value.debugName() for value in node.inputs()}
    for block in node.blocks():
        names.update(value.debugName() for value in block.outputs())
        for inner in block.nodes():
            names |= names_used(inner)
    return names


def last_uses(nodes: list[Node], used_later: set[str], defined_outside: set[str]) -> list[list[str]]:
    """For each node of a block, the names of values of that block that are not used after it."""
    defined = defined_outside | {value.debugName() for node in nodes for value in node.outputs()}
    seen = set(used_later)
    dying: list[list[str]] = []
    for node in reversed(nodes):
        names = (names_used(node) | {value.debugName() for value in node.outputs()}) & defined
        dying.append(sorted(names - seen))
        seen |= names
    return dying[::-1]
