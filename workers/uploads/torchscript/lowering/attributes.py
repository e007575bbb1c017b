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
    if kind not in _TABLES:
        lowering.emit(_FORMS.get(kind, _read_any)(source, name, out), node)
        return
    previous = lowering.last_step()
    pairs = [(name, out)]
    if isinstance(previous, ReadStep) and (previous.source, previous.kind) == (source, kind):
        pairs = [*previous.pairs, *pairs]
        lowering.drop_last_step()
    lowering.emit(ReadStep(source, kind, pairs), node)


class ReadStep:
    """Reads modules or parameters of one module: those that the code reads one after the other, at once."""

    __slots__ = ("kind", "pairs", "source", "table")

    def __init__(self, source: int, kind: str, pairs: list[tuple[str, int]]) -> None:
        self.source = source
        self.kind = kind
        self.table = _TABLES[kind]
        self.pairs = pairs

    def __call__(self, frame: Frame) -> None:
        module = frame[self.source]
        table = getattr(module, self.table)
        for name, out in self.pairs:
            frame[out] = table[name] if name in table else read_attribute(module, name)


def _read_any(source: int, name: str, out: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = read_attribute(frame[source], name)

    return step


def _read_training(source: int, _: str, out: int) -> Step:
    def step(frame: Frame) -> None:
        frame[out] = frame[source].training

    return step


_FORMS = {
    "training": _read_training,
}
"""The fastest way to other kinds of attribute."""
_TABLES = {"module": "_modules", "parameter": "_parameters"}


def lower_write(lowering: Lowering, node: Node) -> None:
    """`prim::SetAttr`."""
    name = str(node.s("name"))
    lowering.compiler.note_attribute(next(iter(node.inputs())).type(), name)
    target, source = lowering.inputs(node)

    def step(frame: Frame) -> None:
        write_attribute(frame[target], name, frame[source])

    lowering.emit(step, node)
