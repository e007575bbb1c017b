"""A walk through a pickle, opcode by opcode, in which nothing is built."""

import pickletools
from collections.abc import Callable, Mapping
from typing import Any

from workers.uploads.archive.names import REBUILD_TENSOR, check_name, is_class
from workers.uploads.archive.tensors import check_tensor, storage
from workers.uploads.archive.values import Kind, Stack, Value, tuple_of
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

MAX_OPCODES = 300_000
"""torchvision's networks have up to 30 000."""
MAX_TEXT = 2**16
"""Most characters of a text; the longest honest ones are the types of lists."""
MAX_TYPE_NESTING = 20
"""Most opening brackets of a text, which may be read as a type."""

Rule = Callable[[Stack, Any], None]
"""What an opcode with this argument does to the stack."""


def check_pickle(content: bytes, records: Mapping[str, int]) -> None:
    """Check a pickle as TorchScript writes them.

    `records` gives the bytes of each tensor record by its name. Raises UnsafeUploadError if it names anything
    but tensors and the archive's own classes, is nested too deeply, unfolds too far or lies about its
    tensors, and InvalidUploadError if it is damaged.
    """
    stack = Stack()
    rules = {**_RULES, "BINPERSID": _persistent(records)}
    try:
        for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if count >= MAX_OPCODES:
                raise UnsafeUploadError(f"a pickle has more than {MAX_OPCODES:,} operations")
            if opcode.name not in rules:
                raise UnsafeUploadError(
                    f"a pickle uses the operation {opcode.name}, which TorchScript never writes"
                )
            rules[opcode.name](stack, argument)
    except (ValueError, IndexError, KeyError, OverflowError) as error:
        raise InvalidUploadError(f"a pickle is damaged: {error}") from error
    if len(stack.values) != 1 or stack.marks:
        raise InvalidUploadError("a pickle is damaged: it does not end with one object")


def _nothing(_stack: Stack, _argument: Any) -> None:
    """The opcode leaves the stack as it is."""


def _constant(stack: Stack, _argument: Any) -> None:
    stack.push(Value(Kind.CONSTANT))


def _integer(stack: Stack, argument: int) -> None:
    if not -(2**63) <= argument < 2**63:
        raise ValueError("an integer with more than 64 bits")
    stack.push(Value(Kind.INTEGER, number=argument))


def _text(stack: Stack, argument: str) -> None:
    if len(argument) > MAX_TEXT or argument.count("[") > MAX_TYPE_NESTING:
        raise UnsafeUploadError(
            "a pickle has a text that is too long, or the name of a type nested too deeply"
        )
    stack.push(Value(Kind.TEXT, text=argument))


def _name(stack: Stack, argument: str) -> None:
    check_name(argument)
    stack.push(Value(Kind.NAME, text=argument))


def _empty(kind: Kind) -> Rule:
    return lambda stack, _: stack.push(Value(kind))


def _tuple(stack: Stack, _argument: Any) -> None:
    stack.push(tuple_of(stack.pop_to_mark()))


def _short_tuple(length: int) -> Rule:
    def rule(stack: Stack, _argument: Any) -> None:
        stack.push(tuple_of([stack.pop() for _ in range(length)][::-1]))

    return rule


def _fill(kind: Kind, take: Callable[[Stack], list[Value]]) -> Rule:
    """Put values into a container that is not known by number yet."""

    def rule(stack: Stack, _argument: Any) -> None:
        items = take(stack)
        container = stack.pop_kind(kind)
        if container.sealed:
            raise UnsafeUploadError("a pickle puts values into a container that may already contain itself")
        stack.push(container.containing(items))

    return rule


def _take(count: int) -> Callable[[Stack], list[Value]]:
    return lambda stack: [stack.pop() for _ in range(count)]


def _new_object(stack: Stack, _argument: Any) -> None:
    arguments, name = stack.pop_kind(Kind.TUPLE), stack.pop_kind(Kind.NAME)
    if not is_class(name.text):
        raise UnsafeUploadError(f'a pickle makes an object of "{name.text}"')
    stack.push(Value(Kind.OBJECT).containing([arguments]))


def _call(stack: Stack, _argument: Any) -> None:
    arguments, name = stack.pop_kind(Kind.TUPLE), stack.pop_kind(Kind.NAME)
    if name.text == REBUILD_TENSOR:
        check_tensor(arguments)
    stack.push(Value(Kind.OBJECT).containing([arguments]))


def _state(stack: Stack, _argument: Any) -> None:
    state, built = stack.pop(), stack.pop_kind(Kind.OBJECT)
    if built.sealed:
        raise UnsafeUploadError("a pickle gives a state to an object that the state may contain")
    stack.push(built.containing([state]))


def _persistent(records: Mapping[str, int]) -> Rule:
    return lambda stack, _: stack.push(storage(stack.pop_kind(Kind.TUPLE), records))


_RULES: dict[str, Rule] = {
    "PROTO": _nothing,
    "STOP": _nothing,
    "MARK": lambda stack, _: stack.mark(),
    "GLOBAL": _name,
    "BINPUT": lambda stack, number: stack.remember(number),
    "LONG_BINPUT": lambda stack, number: stack.remember(number),
    "BINGET": lambda stack, number: stack.recall(number),
    "LONG_BINGET": lambda stack, number: stack.recall(number),
    "NONE": _constant,
    "NEWTRUE": _constant,
    "NEWFALSE": _constant,
    "BINFLOAT": _constant,
    "BININT": _integer,
    "BININT1": _integer,
    "BININT2": _integer,
    "LONG1": _integer,
    "BINUNICODE": _text,
    "EMPTY_TUPLE": lambda stack, _: stack.push(tuple_of([])),
    "EMPTY_LIST": _empty(Kind.LIST),
    "EMPTY_DICT": _empty(Kind.DICTIONARY),
    "TUPLE": _tuple,
    "TUPLE1": _short_tuple(1),
    "TUPLE2": _short_tuple(2),
    "TUPLE3": _short_tuple(3),
    "APPEND": _fill(Kind.LIST, _take(1)),
    "APPENDS": _fill(Kind.LIST, Stack.pop_to_mark),
    "SETITEM": _fill(Kind.DICTIONARY, _take(2)),
    "SETITEMS": _fill(Kind.DICTIONARY, Stack.pop_to_mark),
    "NEWOBJ": _new_object,
    "REDUCE": _call,
    "BUILD": _state,
}
"""The opcodes that TorchScript writes, but the one that refers to a storage. All others are refused."""
