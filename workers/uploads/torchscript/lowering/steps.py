"""Steps: small functions over a frame, one form for each number of arguments."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from workers.uploads.torchscript.operators.containers import unpack
from workers.uploads.torchscript.program import Frame, Step

Function = Callable[..., Any]


def call(function: Function, inputs: Sequence[int], outputs: Sequence[int], named: dict[str, int]) -> Step:
    """Call a function with entries of the frame, and write its result into others."""
    if len(outputs) == 1 and not named and len(inputs) in _BY_ARITY:
        return _BY_ARITY[len(inputs)](function, outputs[0], *inputs)
    return _call_any(function, inputs, outputs, named)


def _call_0(function: Function, out: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = function()

    return step


def _call_1(function: Function, out: int, a: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = function(frame[a])

    return step


def _call_2(function: Function, out: int, a: int, b: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = function(frame[a], frame[b])

    return step


def _call_3(function: Function, out: int, a: int, b: int, c: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = function(frame[a], frame[b], frame[c])

    return step


def _call_many(function: Function, out: int, *inputs: int) -> Step:
    pick = itemgetter(*inputs)

    def step(frame: Frame) -> None:
        frame[out] = function(*pick(frame))

    return step


_BY_ARITY: dict[int, Callable[..., Step]] = {
    0: _call_0,
    1: _call_1,
    2: _call_2,
    3: _call_3,
    **dict.fromkeys(range(4, 64), _call_many),
}


def _call_any(
    function: Function, inputs: Sequence[int], outputs: Sequence[int], named: dict[str, int]
) -> Step:
    write = writer(outputs)
    keywords = tuple(named.items())

    def step(frame: Frame) -> None:
        result = function(*[frame[i] for i in inputs], **{name: frame[i] for name, i in keywords})
        write(frame, result)

    return step


def writer(outputs: Sequence[int]) -> Callable[[Frame, Any], None]:
    """What writes a result into its places: nothing, a value, or the entries of a tuple."""
    if not outputs:
        return lambda _frame, _result: None
    if len(outputs) == 1:
        out = outputs[0]

        def write_one(frame: Frame, result: Any) -> None:
            frame[out] = result

        return write_one

    def write_all(frame: Frame, result: Any) -> None:
        for slot, value in zip(outputs, unpack(result, len(outputs)), strict=True):
            frame[slot] = value

    return write_all


def move(sources: Sequence[int], targets: Sequence[int]) -> Step:
    """Copy entries of a frame, all at once."""
    if len(sources) == 1:
        source, target = sources[0], targets[0]

        def step_one(frame: Frame) -> None:
            frame[target] = frame[source]

        return step_one

    def step(frame: Frame) -> None:
        values = [frame[source] for source in sources]
        for target, value in zip(targets, values, strict=True):
            frame[target] = value

    return step
