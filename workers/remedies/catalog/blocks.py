"""Finding the parts of a network that keep the shape, and putting a shortcut around each."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import groupby

from service.contract.expansion import PlannedLayer
from service.contract.layers import Layer, Repeat, Residual
from service.contract.layers.attention import Attention
from service.contract.layers.convolution import Convolution
from service.contract.layers.dense import Linear
from service.contract.layers.normalization import Normalization
from service.contract.layers.pointwise import Activation, Dropout
from service.contract.layers.recurrent import Recurrent

WEIGHTED = (Linear, Convolution, Recurrent, Attention)
POINTWISE = (Activation, Normalization, Dropout)
NONLINEAR = (Activation, Recurrent, Attention)

Wrap = Callable[[list[Layer]], Layer]


@dataclass
class _Counted:
    """Counts the blocks that it passes on."""

    wrap: Wrap
    count: int = field(default=0)

    def __call__(self, block: list[Layer]) -> Layer:
        self.count += 1
        return self.wrap(block)


def count_blocks(layers: Sequence[Layer], plans: Sequence[PlannedLayer]) -> int:
    """How many blocks `wrapped` would wrap, once repeats are written out."""
    counted = _Counted(lambda block: Residual(layers=block))
    wrapped(layers, plans, counted)
    return counted.count


def wrapped(layers: Sequence[Layer], plans: Sequence[PlannedLayer], wrap: Wrap) -> list[Layer]:
    """The layers with `wrap` around each block: a layer with weights and the activation, normalisation and
    dropout beside it, if together they give back the shape that they are given. What has a shortcut already
    is left alone, and so is a last layer without an activation.

    Iterations of a repeat that come out differently (often the first one, which takes the inputs) are written
    out; `plans` are those of `layers`, one for one.
    """
    result: list[Layer] = []
    for start, stop in _segments(layers):
        part, plan = list(layers[start:stop]), plans[start:stop]
        if isinstance(part[0], Repeat):
            result += _repeated(part[0], plan[0], wrap)
        elif _is_block(part) and plan[0].given == plan[-1].output:
            result.append(wrap(part))
        else:
            result += part
    return result


def _segments(layers: Sequence[Layer]) -> Iterator[tuple[int, int]]:
    """Where blocks begin and end. In a list that begins with an activation or a normalisation, these belong
    to the weights after them (He et al. 2016b), in others to those before."""
    before = isinstance(layers[0], POINTWISE)
    start = 0
    while start < len(layers):
        stop = start
        if before:
            stop = _skip(layers, stop)
        if stop < len(layers) and isinstance(layers[stop], WEIGHTED):
            stop += 1
            if not before:
                stop = _skip(layers, stop)
        stop = max(stop, start + 1)
        yield start, stop
        start = stop


def _skip(layers: Sequence[Layer], index: int) -> int:
    """The next index that is no pointwise layer's."""
    while index < len(layers) and isinstance(layers[index], POINTWISE):
        index += 1
    return index


def _is_block(layers: Sequence[Layer]) -> bool:
    return any(isinstance(layer, WEIGHTED) for layer in layers) and any(
        isinstance(layer, NONLINEAR) for layer in layers
    )


def _repeated(repeat: Repeat, plan: PlannedLayer, wrap: Wrap) -> list[Layer]:
    iterations = [wrapped(repeat.layers, iteration.children, wrap) for iteration in plan.children]
    result: list[Layer] = []
    for layers, alike in groupby(iterations):
        times = len(list(alike))
        result += layers if times == 1 and len(iterations) > 1 else [Repeat(times=times, layers=layers)]
    return result
