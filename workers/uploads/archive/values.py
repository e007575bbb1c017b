"""What stands for an object while a pickle is walked."""

from dataclasses import dataclass, field, replace
from enum import Enum, auto

from workers.uploads.errors import UnsafeUploadError

MAX_DEPTH = 100
"""Deepest nesting of values. A network of modules in modules stays below 30; whoever reads values with a
recursive function dies of some 100 000."""
MAX_UNFOLDED = 10_000_000
"""Most values once each reference is followed: a few references to references are soon more than there is
memory."""


class Kind(Enum):
    """What an operation of the walk may be applied to."""

    NAME = auto()
    """A class or function, by name."""
    TEXT = auto()
    INTEGER = auto()
    CONSTANT = auto()
    """None, a truth value or a real number."""
    TUPLE = auto()
    LIST = auto()
    DICTIONARY = auto()
    STORAGE = auto()
    OBJECT = auto()
    """What a constructor would give."""


@dataclass(frozen=True)
class Value:
    """An object that unpickling would build, as far as the walk needs to know it."""

    kind: Kind
    text: str = ""
    """A name's or text's characters."""
    number: int = 0
    """An integer; a storage's number of elements."""
    items: tuple["Value", ...] = ()
    """A tuple's."""
    depth: int = 1
    unfolded: int = 1
    """Number of values in it, each reference followed."""
    sealed: bool = False
    """Whether it is remembered: nothing may be put into it any more, so that nothing ever contains itself."""

    def containing(self, items: list["Value"]) -> "Value":
        """It, with these put into it. Raises UnsafeUploadError if it is nested too deeply or unfolds too
        far."""
        depth = max([self.depth, *(1 + item.depth for item in items)])
        unfolded = self.unfolded + sum(item.unfolded for item in items)
        if depth > MAX_DEPTH:
            raise UnsafeUploadError(f"a pickle nests values more than {MAX_DEPTH} deep")
        if unfolded > MAX_UNFOLDED:
            raise UnsafeUploadError(f"a pickle's references unfold to more than {MAX_UNFOLDED:,} values")
        return replace(self, depth=depth, unfolded=unfolded)


def tuple_of(items: list[Value]) -> Value:
    """A tuple of these. Raises UnsafeUploadError as `Value.containing` does."""
    return Value(Kind.TUPLE, items=tuple(items)).containing(items)


@dataclass
class Stack:
    """The stack of an unpickler, and the memory that it refers to by number."""

    values: list[Value] = field(default_factory=list)
    marks: list[int] = field(default_factory=list)
    memory: dict[int, Value] = field(default_factory=dict)

    def push(self, value: Value) -> None:
        self.values.append(value)

    def pop(self) -> Value:
        """The top value; IndexError if there is none above the last mark."""
        if self.marks and len(self.values) <= self.marks[-1]:
            raise IndexError("nothing above the mark")
        return self.values.pop()

    def pop_kind(self, *kinds: Kind) -> Value:
        """The top value; ValueError if it is something else."""
        value = self.pop()
        if value.kind not in kinds:
            raise ValueError(f"{value.kind.name.lower()} where {kinds[0].name.lower()} was due")
        return value

    def mark(self) -> None:
        """Raises UnsafeUploadError if too many are open."""
        if len(self.marks) >= MAX_DEPTH:
            raise UnsafeUploadError(f"a pickle nests values more than {MAX_DEPTH} deep")
        self.marks.append(len(self.values))

    def pop_to_mark(self) -> list[Value]:
        start = self.marks.pop()
        items = self.values[start:]
        del self.values[start:]
        return items

    def remember(self, number: int) -> None:
        """Seal the top value and keep it under a number."""
        self.memory[number] = replace(self.pop(), sealed=True)
        self.push(self.memory[number])

    def recall(self, number: int) -> None:
        """Push what is kept under a number; KeyError if nothing is."""
        self.push(self.memory[number])
