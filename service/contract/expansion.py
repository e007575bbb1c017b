"""Writing a network out: every layer of every repeat and residual block, with its name and its shapes."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Literal

from service.contract.layers import Layer, LayerError, ParametricLayer, Repeat, Residual
from service.contract.shapes import Signal


@dataclass(frozen=True)
class SizeLimits:
    """How large a network may be."""

    layers: int = 2048
    """Layers, once repeats are written out."""
    nesting: int = 16
    """Containers inside containers."""
    parameters: int = 200_000_000
    """Parameters."""
    activation_values: int = 2**29
    """About how many numbers a batch's forward pass keeps for the backward pass (2 GiB as float32)."""


@dataclass(frozen=True)
class PlannedLayer:
    """One layer of a network as it will be built."""

    name: str
    """Its path in the network, as in `torch.nn.Module.named_modules`."""
    spec: Layer | None
    """What was asked for, `targets` replaced by a number; None for one iteration of a repeat."""
    given: Signal
    """One sample of its input."""
    output: Signal
    """One sample of its output."""
    parameters: int
    """Number of its own parameters: for a residual block those of its shortcut and scale."""
    on_spine: bool
    """Whether every path from input to output passes through it: it is not inside a residual block."""
    children: tuple["PlannedLayer", ...] = field(default=(), repr=False)
    """The layers inside a residual block or a repeat, or of one iteration of a repeat."""

    @property
    def op(self) -> str:
        return self.spec.op if self.spec else "iteration"

    @property
    def trainable_parameters(self) -> int:
        """Number of its own parameters that are trained."""
        frozen = isinstance(self.spec, ParametricLayer) and not self.spec.trainable
        return 0 if frozen else self.parameters


Excess = Literal["layers", "nesting", "parameters", "memory"]
"""What a network can have too much of."""


class ExpansionError(ValueError):
    """A network that cannot be built: `excess` says what there is too much of; None: a layer is wrong."""

    def __init__(self, pointer: str, detail: str, excess: Excess | None = None) -> None:
        super().__init__(f"{pointer}: {detail}")
        self.pointer = pointer
        self.detail = detail
        self.excess = excess


@dataclass(frozen=True)
class Place:
    """Where a list of layers stands: in the network that is built, and in the request."""

    name: str
    """Path of what holds them, with a final dot; "" for the network itself."""
    pointer: str
    """JSON Pointer to their list."""
    on_spine: bool = True
    """Whether they are outside every residual block."""


def count_layers(layers: Sequence[Layer], limits: SizeLimits, pointer: str, nesting: int = 0) -> int:
    """How many layers there will be once repeats are written out. Raises ExpansionError if too many."""
    if nesting > limits.nesting:
        detail = f"layers are nested more than {limits.nesting} deep"
        raise ExpansionError(pointer, detail, "nesting")
    total = 0
    for index, layer in enumerate(layers):
        total += _count(layer, limits, f"{pointer}/{index}", nesting)
    if total > limits.layers:
        detail = f"{total:,} layers, once repeats are written out; the most is {limits.layers:,}"
        raise ExpansionError(pointer, detail, "layers")
    return total


def _count(layer: Layer, limits: SizeLimits, pointer: str, nesting: int) -> int:
    if not isinstance(layer, Residual | Repeat):
        return 1
    inner = count_layers(layer.layers, limits, f"{pointer}/layers", nesting + 1)
    if isinstance(layer, Residual):
        return inner + 1
    if layer.times * inner > limits.layers:
        detail = f"{layer.times:,} × {inner:,} layers; the most is {limits.layers:,}"
        raise ExpansionError(f"{pointer}/times", detail, "layers")
    return layer.times * inner


class Expansion:
    """Writes one network out, adding up its size on the way."""

    def __init__(self, limits: SizeLimits, targets: int, batch: int) -> None:
        self.finished: list[PlannedLayer] = []
        """The layers so far, in the order in which the forward pass finishes them."""
        self._limits = limits
        self._targets = targets
        self._batch = batch
        self._parameters = 0
        self._kept_values = 0
        self._rules: dict[type, Callable[[Any, Signal, str, str, bool], PlannedLayer]] = {
            Residual: self._residual,
            Repeat: self._repeat,
        }

    def network(self, layers: Sequence[Layer], given: Signal) -> tuple[PlannedLayer, ...]:
        """Write out a network's layers. Raises ExpansionError if they do not fit or are too much."""
        count_layers(layers, self._limits, "/model/layers")
        return self._sequence(layers, given, Place("", "/model/layers"))

    def _sequence(self, layers: Sequence[Layer], given: Signal, place: Place) -> tuple[PlannedLayer, ...]:
        planned: list[PlannedLayer] = []
        for index, layer in enumerate(layers):
            plan = self._rules.get(type(layer), self._leaf)
            planned.append(
                plan(layer, given, f"{place.name}{index}", f"{place.pointer}/{index}", place.on_spine)
            )
            given = planned[-1].output
        return tuple(planned)

    def _leaf(self, layer: Layer, given: Signal, name: str, pointer: str, on_spine: bool) -> PlannedLayer:
        spec = layer.resolved(self._targets)
        with _located(spec.op, name, pointer):
            output = spec.output(given)
            parameters = spec.parameter_count(given)
            kept = spec.kept_values(given)
        if spec.smallest_batch(given) > self._batch:
            detail = f'{spec.op} at "{name}" cannot train on batches of {self._batch}: it compares samples'
            raise ExpansionError("/training/batch_size", detail)
        return self._add(PlannedLayer(name, spec, given, output, parameters, on_spine), kept, pointer)

    def _residual(
        self, block: Residual, given: Signal, name: str, pointer: str, on_spine: bool
    ) -> PlannedLayer:
        inside = Place(f"{name}.", f"{pointer}/layers", on_spine=False)
        children = self._sequence(block.layers, given, inside)
        with _located(block.op, name, pointer):
            output = block.joined(given, children[-1].output)
        parameters = block.own_parameters(given, output)
        planned = PlannedLayer(name, block, given, output, parameters, on_spine, children)
        return self._add(planned, 2 * output.size, pointer)

    def _repeat(self, repeat: Repeat, given: Signal, name: str, pointer: str, on_spine: bool) -> PlannedLayer:
        iterations: list[PlannedLayer] = []
        flow = given
        for time in range(repeat.times):
            inside = Place(f"{name}.{time}.", f"{pointer}/layers", on_spine)
            children = self._sequence(repeat.layers, flow, inside)
            output = children[-1].output
            iterations.append(PlannedLayer(f"{name}.{time}", None, flow, output, 0, on_spine, children))
            flow = output
        return PlannedLayer(name, repeat, given, flow, 0, on_spine, tuple(iterations))

    def _add(self, layer: PlannedLayer, kept: int, pointer: str) -> PlannedLayer:
        """Count a layer in. Raises ExpansionError if the network gets too large."""
        self.finished.append(layer)
        self._parameters += layer.parameters
        self._kept_values += kept
        where = f'{layer.op} at "{layer.name}"'
        if self._parameters > self._limits.parameters:
            detail = (
                f"{where} has {layer.parameters:,} parameters, the network up to here {self._parameters:,}"
            )
            raise ExpansionError(pointer, f"{detail}; the most is {self._limits.parameters:,}", "parameters")
        if self._kept_values * self._batch > self._limits.activation_values:
            detail = (
                f"up to {where} a sample needs about {self._kept_values:,} numbers in memory, a batch of "
            )
            detail += f"{self._batch} {self._kept_values * self._batch:,}"
            detail += f"; the most is {self._limits.activation_values:,}"
            too_many_samples = self._kept_values <= self._limits.activation_values
            raise ExpansionError("/training/batch_size" if too_many_samples else pointer, detail, "memory")
        return layer


@contextmanager
def _located(op: str, name: str, pointer: str) -> Iterator[None]:
    """Say which layer a LayerError is about."""
    try:
        yield
    except LayerError as error:
        field = f"/{error.field}" if error.field else ""
        raise ExpansionError(pointer + field, f'{op} at "{name}": {error.detail}') from error
