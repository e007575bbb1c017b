"""Reading the graph in an archive. PyTorch parses the code; nothing of it is run."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch

from workers.uploads.errors import InvalidUploadError
from workers.uploads.torchscript.limits import MAX_MODULES, unsafe

ScriptModule = Any
"""`torch._C.ScriptModule`, whose stubs say little."""
Graph = Any
Node = Any
Value = Any


_import: Any = torch._C.import_ir_module_from_buffer
"""Its stub asks for a file where it takes bytes."""


@dataclass(frozen=True)
class Archive:
    """An archive as PyTorch parsed it."""

    root: ScriptModule
    unit: Any
    """The compilation unit that holds its functions and classes, apart from all others in this process."""


def load(archive: bytes) -> Archive:
    """Parse a TorchScript archive whose container has been checked and written anew.

    Raises:
        InvalidUploadError: PyTorch cannot read it.
    """
    unit = torch._C.CompilationUnit()
    try:
        root = _import(unit, archive, torch.device("cpu"), {}, False)
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        reason = str(error).strip().splitlines() or ["no reason given"]
        raise InvalidUploadError(
            f"PyTorch cannot read this TorchScript archive: {reason[0][:300]}"
        ) from error
    return Archive(root, unit)


def type_name(module: ScriptModule) -> str:
    """Qualified name of a module's type, unique in its archive."""
    return str(module._type().qualified_name())


def class_name(qualified: str) -> str:
    """The class's own name, without its path."""
    return qualified.rsplit(".", 1)[-1]


def children(module: ScriptModule) -> list[tuple[str, ScriptModule]]:
    """Its direct submodules."""
    return list(torch._C.ModuleDict(module).items())


def parameters(module: ScriptModule) -> list[tuple[str, torch.Tensor]]:
    """Its own parameters."""
    tensors: Any = torch._C.ParameterDict(module)
    return list(tensors.items())


def buffers(module: ScriptModule) -> list[tuple[str, torch.Tensor]]:
    """Its own buffers: all its tensors that are no parameters."""
    tensors: Any = torch._C.BufferDict(module)
    return list(tensors.items())


def modules(root: ScriptModule) -> Iterator[tuple[str, ScriptModule]]:
    """Every module with its path, parents first.

    Raises:
        RefusalError: There are too many.
    """
    waiting = [("", root)]
    count = 0
    while waiting:
        path, module = waiting.pop(0)
        count += 1
        if count + len(waiting) > MAX_MODULES:
            raise unsafe(f"The network has more than {MAX_MODULES:,} modules.")
        yield path, module
        waiting += [(f"{path}.{name}" if path else name, child) for name, child in children(module)]


def schema(node: Node) -> str | None:
    """The schema of a node's operator, if it has one."""
    try:
        return str(node.schema())
    except RuntimeError:
        return None


def line(node: Node) -> str:
    """The line of the archive's code that a node comes from, such as ` (code/__torch__.py, line 4)`."""
    found = re.search(r'File "(code/[^"]{1,200})", line (\d+)', str(node.sourceRange()))
    return f" ({found[1]}, line {found[2]})" if found else ""
