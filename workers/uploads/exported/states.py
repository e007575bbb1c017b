"""Parameters, buffers and constants: where a module finds them."""

from collections.abc import Callable, Mapping
from typing import Any

from torch import Tensor

from workers.uploads.exported.modules import child_at

Reader = Callable[[list[Any]], Any]


class States:
    """A program's own tensors. One that has several names is the same object under each."""

    def __init__(self, names: Mapping[str, str], tensors: Mapping[str, Tensor]) -> None:
        self.tensors = tensors
        """By path."""
        self.names = names
        """From the names of values to paths."""
        self._same: dict[int, list[str]] = {}
        """All paths of a tensor, by its identity."""
        for path, tensor in tensors.items():
            self._same.setdefault(id(tensor), []).append(path)

    def tensor(self, name: str) -> Tensor:
        """The tensor that a value is."""
        return self.tensors[self.names[name]]

    def own(self, name: str, module: str) -> str | None:
        """The path, from a module, of the tensor that a value is, if it has one below the module."""
        prefix = f"{module}." if module else ""
        main = self.names[name]
        paths = [main, *self._same[id(self.tensors[main])]]
        return next((path[len(prefix) :] for path in paths if path.startswith(prefix)), None)

    def reader(self, name: str, module: str) -> Reader:
        """What reads it from the module at the head of a frame."""
        path = self.own(name, module)
        if path is None:
            raise LookupError(name)
        *holders, last = path.split(".")
        if holders:
            return lambda frame: getattr(child_at(frame[0], holders), last)
        return lambda frame: _tensor(frame[0], last)


def _tensor(module: Any, name: str) -> Any:
    """Spares the detour that `getattr` takes, which a step of a small network would notice."""
    parameters = module._parameters
    return parameters[name] if name in parameters else getattr(module, name)
