"""The steps that a module runs in one of its calls."""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, Protocol

from workers.uploads.exported.arguments import NetworkDevice, Reference, Template, varies
from workers.uploads.exported.frames import Frame
from workers.uploads.exported.layers import Layers, OperatorChildren, is_recurrent, with_tap
from workers.uploads.exported.modules import Body, ExportedModule, child_at
from workers.uploads.exported.nodes import Node, Outputs
from workers.uploads.exported.states import Reader, States
from workers.uploads.torchscript.modules import Operator
from workers.uploads.torchscript.program import Block, Place, Step
from workers.uploads.torchscript.program import Frame as Values
from workers.uploads.torchscript.runtime import Runtime


class Network(Protocol):
    """What bodies need to know of the network that they are part of."""

    runtime: Runtime
    layers: Layers
    states: States

    def lower(self, frame: Frame) -> int:
        """Make the body of a call; its number among the calls of its module."""
        ...

    def names_of_child(self, path: str, child: str) -> list[str]:
        """Where the module at one path finds the module at another one, which it calls."""
        ...


class BodyBuilder:
    """Makes the body of one call."""

    def __init__(self, network: Network, frame: Frame, operators: OperatorChildren) -> None:
        self._network = network
        self._frame = frame
        self._operators = operators
        self._path = frame.call.path
        self._slots = {name: 1 + at for at, name in enumerate(frame.inputs)}
        self._steps: list[Step] = []
        self._places: dict[Step, Place] = {}

    def build(self) -> Body:
        for item in self._frame.items:
            if isinstance(item, Frame):
                self._call(item)
            elif (
                self._path not in self._network.layers.leaves and self._network.layers.flow(item) is not None
            ):
                self._layer(item)
            else:
                self._run(item)
        for name in self._frame.outputs:
            if name not in self._slots:  # a state that is given as it is
                self._emit(_storing(self._reader(Reference(name)), self._slot(name)), "output")
        outputs = tuple(self._slots[name] for name in self._frame.outputs)
        inputs = len(self._frame.inputs)
        return Body(Block(self._steps, self._places), inputs, len(self._slots) - inputs, outputs)

    def _run(self, node: Node) -> None:
        quick = None if node.named else node.operation.quick
        function = quick or node.operation.function
        readers = [self._reader(value) for value in node.positional]
        if is_recurrent(node) and self._path in self._network.layers.recurrent:
            function = with_tap(node)
            readers.insert(0, itemgetter(0))
        constant = {name: value for name, value in node.named.items() if not varies(value)}
        varying = {name: self._reader(value) for name, value in node.named.items() if name not in constant}
        write = self._writer(node.outputs)

        def step(frame: Values) -> None:
            named = {name: read(frame) for name, read in varying.items()}
            write(frame, function(*[read(frame) for read in readers], **constant, **named))

        def plain_step(frame: Values) -> None:
            frame[slot] = function(*[read(frame) for read in readers])

        slot = self._single(node.outputs)
        self._emit(step if node.named or not slot else plain_step, node.target)

    def _layer(self, node: Node) -> None:
        flow = self._network.layers.flow(node)
        assert flow is not None
        name, given = self._operators.add(node, flow)
        readers = [self._reader(value) for value in given]
        write = self._writer(node.outputs)

        def step(frame: Values) -> None:
            child = frame[0]._modules[name]
            used = readers if isinstance(child, Operator) else readers[:1]
            write(frame, child(*[read(frame) for read in used]))

        self._emit(step, node.target, calls_out=True)

    def _call(self, inner: Frame) -> None:
        number = self._network.lower(inner)
        names = self._network.names_of_child(self._path, inner.call.path)
        readers = [self._reader(Reference(name)) for name in inner.inputs]
        outputs: Outputs = [*inner.outputs]
        write = self._writer(outputs)

        def step(frame: Values) -> None:
            child = child_at(frame[0], names)
            if not isinstance(child, ExportedModule):  # another module has taken its place
                write(frame, child(readers[0](frame)))
            elif number:
                write(frame, child(*[read(frame) for read in readers], call=number))
            else:
                write(frame, child(*[read(frame) for read in readers]))

        def plain_step(frame: Values) -> None:
            frame[slot] = frame[0]._modules[names[0]](read_one(frame))

        slot = self._single(outputs)
        is_plain = slot and not number and len(names) == len(readers) == 1
        read_one = readers[0] if readers else itemgetter(0)
        self._emit(plain_step if is_plain else step, inner.call.class_name, calls_out=True)

    def _reader(self, value: Template) -> Reader:
        if isinstance(value, Reference):
            if value.name in self._slots:
                return itemgetter(self._slots[value.name])
            return self._network.states.reader(value.name, self._path)
        if isinstance(value, NetworkDevice):
            runtime = self._network.runtime
            return lambda _: runtime.device
        if isinstance(value, list) and varies(value):
            readers = [self._reader(item) for item in value]
            return lambda frame: [read(frame) for read in readers]
        return lambda _: value

    def _writer(self, outputs: Outputs) -> Callable[[Values, Any], None]:
        slots = [
            self._slot(name) if isinstance(name, str) else list(map(self._slot, name)) for name in outputs
        ]
        if len(slots) == 1:
            return _writer(slots[0])
        writers = [_writer(slot) for slot in slots]

        def write(frame: Values, results: Sequence[Any]) -> None:
            for write_one, result in zip(writers, results, strict=True):
                write_one(frame, result)

        return write if writers else _ignore

    def _single(self, outputs: Outputs) -> int:
        """The place of the only output; 0 if there is another number of them, or it is a list."""
        name = outputs[0] if len(outputs) == 1 else None
        return self._slot(name) if isinstance(name, str) else 0

    def _slot(self, name: str) -> int:
        return self._slots.setdefault(name, 1 + len(self._slots))

    def _emit(self, step: Step, what: str, *, calls_out: bool = False) -> None:
        self._steps.append(step)
        self._places[step] = Place("the exported graph", what, calls_out)


def _writer(slot: int | list[int]) -> Callable[[Values, Any], None]:
    if isinstance(slot, int):

        def write(frame: Values, result: Any) -> None:
            frame[slot] = result

        return write

    def write_all(frame: Values, results: Sequence[Any]) -> None:
        for one, result in zip(slot, results, strict=True):
            frame[one] = result

    return write_all


def _ignore(_frame: Values, _result: Any) -> None:
    """The result is not used."""


def _storing(read: Reader, slot: int) -> Step:
    def step(frame: Values) -> None:
        frame[slot] = read(frame)

    return step
