"""From an exported program to a network."""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from workers.uploads.errors import InvalidUploadError
from workers.uploads.exported.bodies import BodyBuilder
from workers.uploads.exported.document import Document
from workers.uploads.exported.frames import Frame, frames_of
from workers.uploads.exported.graph import read_nodes
from workers.uploads.exported.layers import Layers, OperatorChildren
from workers.uploads.exported.modules import ExportedModule, ExportedNetwork, ExportedRecurrent
from workers.uploads.exported.nodes import Node
from workers.uploads.exported.signature import Signature, read_signature
from workers.uploads.exported.states import States
from workers.uploads.torchscript.runtime import Runtime


def build(document: Document) -> ExportedNetwork:
    """The network that a document describes. Raises UploadError for what is not supported."""
    signature = read_signature(document.module)
    nodes = read_nodes(document.module["graph"], set(signature.buffers))
    states = States(signature.states, document.tensors)
    root = frames_of(nodes, [signature.input_name], signature.needed, states)
    return _Builder(signature, states, root).build()


class _Builder:
    """Makes the tree of modules, and the body of each call."""

    def __init__(self, signature: Signature, states: States, root: Frame) -> None:
        parameters = [name for name in states.names if isinstance(states.tensor(name), nn.Parameter)]
        self.runtime = Runtime()
        self.layers = Layers(root, parameters)
        self.states = states
        self.network = ExportedNetwork(signature, self.runtime)
        self._root = root
        self._modules: dict[str, ExportedModule] = {"": self.network}
        self._operators: dict[str, OperatorChildren] = {}

    def build(self) -> ExportedNetwork:
        for frame in self._root.frames():
            self.module(frame.call.path, frame.call.class_name)
        for path, tensor in self.states.tensors.items():
            self._register(path, tensor)
        self.lower(self._root)
        mode = [training for node in self._root.nodes() if (training := _training(node)) is not None]
        for module in self._modules.values():
            module.training = not mode or any(mode)
        return self.network

    def module(self, path: str, class_name: str = "ModuleList") -> ExportedModule:
        """The module at a path, made if it is not there: a container, if the program never calls it."""
        if path not in self._modules:
            holder, _, name = path.rpartition(".")
            kind = ExportedRecurrent if path in self.layers.recurrent else ExportedModule
            self._modules[path] = kind(class_name, path)
            _checked(self.module(holder).add_module, name, self._modules[path])
        elif path and class_name != "ModuleList":
            self._modules[path].original_name = class_name
        return self._modules[path]

    def _register(self, path: str, tensor: Tensor) -> None:
        holder, _, name = path.rpartition(".")
        module = self.module(holder)
        if isinstance(tensor, nn.Parameter):
            _checked(module.register_parameter, name, tensor)
        else:
            transient = path in self.network.signature.transient
            _checked(lambda key, value: module.register_buffer(key, value, not transient), name, tensor)

    def lower(self, frame: Frame) -> int:
        """Make a call's body; its number among the calls of its module."""
        path = frame.call.path
        module = self._modules[path]
        if path not in self._operators:
            self._operators[path] = OperatorChildren(module)
        self._operators[path].begin_call()
        body = BodyBuilder(self, frame, self._operators[path]).build()
        module.bodies.append(body)
        return len(module.bodies) - 1

    def names_of_child(self, path: str, child: str) -> list[str]:
        """Where a module finds one that it calls: below itself. One that is registered elsewhere is
        shared."""
        below = path == "" or child.startswith(path + ".")
        if below and child != path:
            return child[len(path) + 1 if path else 0 :].split(".")
        holder, shared = self._modules[path], self._modules[child]
        for name, module in holder._modules.items():
            if module is shared:
                return [name]
        name = child.rpartition(".")[2]
        while hasattr(holder, name):
            name += "_shared"
        holder.add_module(name, shared)
        return [name]


def _checked(register: Callable[[str, Any], None], name: str, value: Any) -> None:
    try:
        register(name, value)
    except KeyError as error:
        raise InvalidUploadError(
            f'the network has a module or tensor with the name "{name}", which is taken'
        ) from error


def _training(node: Node) -> bool | None:
    """The mode that a step shows."""
    positions = {"dropout": 2, "batch_norm": 5}
    at = positions.get(node.operation.name)
    return bool(node.positional[at]) if at is not None and at < len(node.positional) else None
