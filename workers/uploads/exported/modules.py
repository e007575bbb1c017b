"""The modules that an exported program becomes."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from workers.uploads.errors import InvalidUploadError
from workers.uploads.exported.arguments import Reference
from workers.uploads.exported.signature import Signature
from workers.uploads.torchscript.modules import TimeTap
from workers.uploads.torchscript.program import Block
from workers.uploads.torchscript.runtime import Runtime


@dataclass(frozen=True)
class Body:
    """What a module runs in one of its calls: steps over a frame of values.

    A frame is a list: the module, the inputs, and places for what the steps give. Copies of a network share
    it.
    """

    block: Block
    inputs: int
    """Number of inputs."""
    places: int
    """Number of other values."""
    outputs: tuple[int, ...]
    """Where the outputs are in the frame."""

    def run(self, module: nn.Module, arguments: Sequence[Any]) -> Any:
        """The output, or a tuple of them if there are several."""
        if len(arguments) != self.inputs:
            raise TypeError(f"{self.inputs} values were expected, and there are {len(arguments)}")
        frame = [module, *arguments, *([None] * self.places)]
        self.block.run(frame)
        if len(self.outputs) == 1:
            return frame[self.outputs[0]]
        return tuple(frame[place] for place in self.outputs)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Body":
        return self


class ExportedModule(nn.Module):
    """A module of an exported program, with its parameters, buffers and submodules under their own names.

    `original_name` is the name of its class where it was made, such as "Linear".
    """

    def __init__(self, original_name: str, path: str) -> None:
        super().__init__()
        self.original_name = original_name
        self.path = path
        """Its path in the network."""
        self.bodies: list[Body] = []
        """What it runs, for each of its calls."""

    def forward(self, *arguments: Any, call: int = 0) -> Any:
        """Run one of its calls; a program has the steps of each call separately."""
        if not self.bodies:
            raise NotImplementedError(
                f'the {self.original_name} "{self.path}" is never called in the program'
            )
        return self.bodies[call].run(self, arguments)

    def train(self, mode: bool = True) -> "ExportedModule":  # noqa: ARG002 - see the docstring
        """Do nothing: an exported program has one mode, the one in which it was exported. `eval` neither."""
        return self

    def _get_name(self) -> str:
        return self.original_name


class ExportedRecurrent(ExportedModule):
    """A module that runs a recurrent operator.

    While `time_tap` is set, the operator runs as an unrolled loop, equal up to rounding, and the tap is given
    the hidden states h_1 … h_T of its last layer, forward in time, each (batch, units) and part of the graph.
    """

    time_tap: TimeTap | None = None


class ExportedNetwork(ExportedModule):
    """An exported program as a network: it takes one tensor, and gives what the program gave."""

    def __init__(self, signature: Signature, runtime: Runtime) -> None:
        super().__init__("ExportedProgram", "")
        self.signature = signature
        self._runtime = runtime

    def forward(self, inputs: Tensor) -> Any:  # type: ignore[override]
        """Run it. Raises InvalidUploadError if it was not exported for inputs of this shape."""
        signature = self.signature
        signature.check_input(inputs)
        with self._runtime.forward_pass((inputs,)):
            result = self.bodies[0].run(self, (inputs,))
        needed = signature.needed
        values = dict(zip(needed, (result,) if len(needed) == 1 else result, strict=True))
        with torch.no_grad():
            for name, buffer in signature.changed.items():
                self.get_buffer(buffer).copy_(values[name])
        outputs = [values[out.name] if isinstance(out, Reference) else out for out in signature.outputs]
        return signature.nested(outputs)


def child_at(module: nn.Module, names: Sequence[str]) -> nn.Module:
    """The module below a module at a path. Raises InvalidUploadError if there is none any more."""
    for name in names:
        child = module._modules.get(name)
        if child is None:
            raise InvalidUploadError(f'the network has no module "{".".join(names)}" any more')
        module = child
    return module
