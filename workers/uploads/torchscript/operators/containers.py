"""Operators on lists, dictionaries and texts, which may grow only so far."""

import operator
import re
from collections.abc import Callable, Iterable
from typing import Any

from workers.uploads.torchscript.limits import check_length, invalid

MAX_SHOWN = 200
"""Characters of a value that is written into a text."""


def _joined(first: Any, second: Any) -> Any:
    check_length(len(first) + len(second))
    return first + second


def _repeated(first: Any, second: Any) -> Any:
    values, count = (second, first) if isinstance(first, int) else (first, second)
    check_length(len(values) * max(count, 0))
    return values * count


def _append(values: list[Any], entry: Any) -> list[Any]:
    check_length(len(values) + 1)
    values.append(entry)
    return values


def _extend(values: list[Any], entries: list[Any]) -> None:
    check_length(len(values) + len(entries))
    values.extend(entries)


def _extend_in_place(values: list[Any], entries: list[Any]) -> list[Any]:
    _extend(values, entries)
    return values


def _insert(values: list[Any], index: int, entry: Any) -> None:
    check_length(len(values) + 1)
    values.insert(index, entry)


def _set_item(values: Any, index: Any, entry: Any) -> Any:
    if isinstance(values, dict):
        check_length(len(values) + 1)
    values[index] = entry
    return values


def _pop(values: Any, *which: Any) -> Any:
    return values.pop(*which)


def _update(values: dict[Any, Any], others: dict[Any, Any]) -> None:
    check_length(len(values) + len(others))
    values.update(others)


def _slice(values: Any, start: int | None = None, end: int | None = None, step: int = 1) -> Any:
    return values[start:end:step]


def _sort(values: list[Any], reverse: bool = False) -> None:
    values.sort(reverse=reverse)


def _text(value: Any) -> str:
    """A value in a message. Tensors and objects are named, not written out."""
    plain = isinstance(value, str | int | float | bool | list | tuple | type(None))
    return (str(value) if plain and not _is_long(value) else type(value).__name__)[:MAX_SHOWN]


def _is_long(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return len(value) > 20 or not all(isinstance(v, int | float | str | bool) for v in value)
    return False


def _format(template: str, *values: Any) -> str:
    check_length(len(template) + MAX_SHOWN * len(values))
    left = iter(values)
    return re.sub(r"\{\}", lambda _: _text(next(left, "")), template)


def _join(separator: str, texts: list[str]) -> str:
    check_length(sum(map(len, texts)) + len(separator) * len(texts))
    return separator.join(texts)


def _range(*bounds: int) -> list[int]:
    check_length(len(range(*bounds)))
    return list(range(*bounds))


def _index(values: Any, entry: Any) -> int:
    position: int = values.index(entry)
    return position


def _dict(pairs: Iterable[Any] = ()) -> dict[Any, Any]:
    return dict(pairs)


CONTAINERS: dict[str, Callable[..., Any]] = {
    "append": _append,
    "extend": _extend,
    "insert": _insert,
    "pop": _pop,
    "clear": lambda values: values.clear(),
    "reverse": lambda values: values.reverse(),
    "copy": lambda values: values.copy(),
    "remove": lambda values, entry: values.remove(entry),
    "count": lambda values, *entry: values.count(*entry),
    "list": list,
    "len": len,
    "add": _joined,
    "add_": _extend_in_place,
    "mul": _repeated,
    "slice": _slice,
    "sort": _sort,
    "sorted": sorted,
    "index": _index,
    "eq": operator.eq,
    "ne": operator.ne,
    "__contains__": lambda values, entry: entry in values,
    "__getitem__": operator.getitem,
    "select": operator.getitem,
    "_set_item": _set_item,
    "Delete": operator.delitem,
    "keys": list,
    "values": lambda values: list(values.values()),
    "items": lambda values: list(values.items()),
    "get": lambda values, key, default=None: values.get(key, default),
    "setdefault": lambda values, key, default: _set_item(values, key, values.get(key, default))[key],
    "update": _update,
    "dict": _dict,
    "Size": list,
}
"""By name in the `aten` namespace, for overloads on lists and dictionaries."""

TEXTS: dict[str, Callable[..., Any]] = {
    "add": _joined,
    "mul": _repeated,
    "eq": operator.eq,
    "ne": operator.ne,
    "lt": operator.lt,
    "le": operator.le,
    "gt": operator.gt,
    "ge": operator.ge,
    "len": len,
    "format": _format,
    "str": _text,
    "join": _join,
    "lower": lambda text: text.lower(),
    "upper": lambda text: text.upper(),
    "strip": lambda text, characters=" \n\t\f\v": text.strip(characters),
    "split": lambda text, separator=None, most=-1: text.split(separator, most),
    "slice": _slice,
    "__getitem__": operator.getitem,
    "__contains__": lambda text, part: part in text,
    "find": lambda text, part, *_: text.find(part),
    "startswith": lambda text, part, *_: text.startswith(part),
    "endswith": lambda text, part, *_: text.endswith(part),
    "isdigit": lambda text: text.isdigit(),
}
"""By name in the `aten` namespace, for overloads on texts."""

CONSTRUCTORS: dict[str, Callable[..., Any]] = {
    "prim::ListConstruct": lambda *entries: list(entries),
    "prim::TupleConstruct": lambda *entries: entries,
    "prim::TupleIndex": operator.getitem,
    "prim::ListIndex": operator.getitem,
    "prim::StringIndex": operator.getitem,
    "prim::DictConstruct": lambda *entries: dict(zip(entries[::2], entries[1::2], strict=True)),
    "prim::rangelist": _range,
}


def unpack(values: Any, count: int) -> Any:
    """The entries of a tuple or list that must have so many."""
    if len(values) != count:
        raise invalid(f"{count} values were expected, and there are {len(values)}.")
    return values
