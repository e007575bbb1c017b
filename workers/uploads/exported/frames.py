"""Which steps of a graph belong to which call of which module.

A graph is flat; each step says which modules' calls it was part of. From these, the calls are put together
again: each takes the values that its steps need from outside, and gives those of its values that are needed
outside.
"""

from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field

from workers.uploads.exported.nodes import ModuleCall, Node
from workers.uploads.exported.states import States


@dataclass
class Frame:
    """A call of a module."""

    call: ModuleCall
    items: list["Node | Frame"] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    """Values that it takes from outside; tensors that steps gave come before parameters of other modules."""
    outputs: list[str] = field(default_factory=list)
    """Values that it gives, in the order of its steps."""

    def nodes(self) -> Iterator[Node]:
        """All steps, those of calls within included."""
        for item in self.items:
            if isinstance(item, Frame):
                yield from item.nodes()
            else:
                yield item

    def frames(self) -> Iterator["Frame"]:
        """Itself, and all calls within."""
        yield self
        for item in self.items:
            if isinstance(item, Frame):
                yield from item.frames()


def frames_of(nodes: Collection[Node], inputs: list[str], outputs: list[str], states: States) -> Frame:
    """The call of the whole network, which takes and gives these values."""
    root = _Grouping().group(nodes)
    uses = Counter(outputs)
    for node in nodes:
        uses.update(node.uses)
    for frame in root.frames():
        _connect(frame, uses, states)
    root.inputs, root.outputs = inputs, outputs
    return root


class _Grouping:
    """Puts steps into calls, in their order."""

    def __init__(self) -> None:
        self._open = [Frame(ModuleCall("", "", ""))]
        self._closed: set[str] = set()

    def group(self, nodes: Collection[Node]) -> Frame:
        for node in nodes:
            if node.operation.symbolic or node.calls is None:
                self._add_outside(node)
            else:
                self._enter(node.calls)
                self._open[-1].items.append(node)
        return self._open[0]

    def _enter(self, calls: tuple[ModuleCall, ...]) -> None:
        """Leave and enter calls until these are the open ones. One that was left is not entered again: what
        is left of it becomes part of the call around it, so that hooks see each call once."""
        wanted = [call for call in calls if call.key not in self._closed]
        common = 0
        while (
            common < min(len(wanted), len(self._open) - 1) and self._open[common + 1].call == wanted[common]
        ):
            common += 1
        for frame in self._open[common + 1 :]:
            self._closed.add(frame.call.key)
        del self._open[common + 1 :]
        for call in wanted[common:]:
            frame = Frame(call)
            self._open[-1].items.append(frame)
            self._open.append(frame)

    def _add_outside(self, node: Node) -> None:
        """Sizes belong to no module: they are computed before the open calls, as far as what they need
        allows."""
        needed = set(node.uses)
        level = 0
        for depth, frame in enumerate(self._open[1:], start=1):
            if any(needed.intersection(inner.gives) for inner in frame.nodes()):
                level = depth
        items = self._open[level].items
        entered = level + 1 < len(self._open)
        items.insert(len(items) - 1 if entered else len(items), node)


def _connect(frame: Frame, uses: Counter[str], states: States) -> None:
    inside: Counter[str] = Counter()
    given: dict[str, None] = {}
    for node in frame.nodes():
        inside.update(node.uses)
        given |= dict.fromkeys(node.gives)
    path = frame.call.path
    taken = [
        name
        for name in inside
        if name not in given and (name not in states.names or states.own(name, path) is None)
    ]
    frame.inputs = sorted(taken, key=lambda name: name in states.names)
    frame.outputs = [name for name in given if uses[name] > inside[name]]
