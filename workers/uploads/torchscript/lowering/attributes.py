"""Reading and writing attributes."""

from workers.uploads.torchscript.loading import Node
from workers.uploads.torchscript.lowering.lower import Lowering
from workers.uploads.torchscript.modules import read_attribute, write_attribute
from workers.uploads.torchscript.program import Frame, Step


def lower_read(lowering: Lowering, node: Node) -> None:
    """`prim::GetAttr`."""
    holder = next(iter(node.inputs()))
    name = str(node.s("name"))
    kind = lowering.compiler.note_attribute(holder.type(), name)
    (source,) = lowering.inputs(node)
    (out,) = lowering.outputs(node)
    lowering.emit(_FORMS.get(kind, _read_any)(source, name, out), node)


def _read_module(source: int, name: str, out: int) -> Step:
    def step(frame: Frame) -> None:
        try:
            frame[out] = frame[source]._modules[name]
        except KeyError:
            frame[out] = read_attribute(frame[source], name)

    return step


def _read_parameter(source: int, name: str, out: int) -> Step:
    def step(frame: Frame) -> None:
        try:
            frame[out] = frame[source]._parameters[name]
        except KeyError:
            frame[out] = read_attribute(frame[source], name)

    return step


def _read_any(source: int, name: str, out: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = read_attribute(frame[source], name)

    return step


def _read_training(source: int, _: str, out: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = frame[source].training

    return step


_FORMS = {
    "module": _read_module,
    "parameter": _read_parameter,
    "training": _read_training,
}
"""The fastest way to each kind of attribute."""


def lower_write(lowering: Lowering, node: Node) -> None:
    """`prim::SetAttr`."""
    name = str(node.s("name"))
    lowering.compiler.note_attribute(next(iter(node.inputs())).type(), name)
    target, source = lowering.inputs(node)

    def step(frame: Frame) -> None:
        write_attribute(frame[target], name, frame[source])

    lowering.emit(step, node)
