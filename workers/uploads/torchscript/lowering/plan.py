"""What is known of a type of module once its code has been read. Its instances share it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from torch import Tensor

from workers.uploads.torchscript.program import Program
from workers.uploads.torchscript.runtime import Runtime


@dataclass(frozen=True)
class Shared:
    """Something that copies of a network share."""

    def __deepcopy__(self, memo: dict[int, Any]) -> Any:
        return self


@dataclass(frozen=True)
class OperatorPlan(Shared):
    """An operator that becomes a child module."""

    operator: str
    """Its kind, such as `aten::relu`, without the underscore of the in-place form."""
    function: Callable[..., Any]
    template: tuple[Any, ...]
    """Its positional arguments, where they are constant."""
    named: Mapping[str, Any]
    """Its keyword arguments, where they are constant."""
    given: tuple[int | str, ...]
    """The arguments that the caller passes: positions or keywords; the tensor that flows through it first."""
    bound: tuple[tuple[int, int | None, str], ...] = ()
    """(position, index in a list there, name) of arguments that are the module's own tensors."""
    tensors: Mapping[str, Tensor] = field(default_factory=dict)
    """Values of those own tensors, by name."""
    statistics: frozenset[str] = frozenset()
    """Names of those that are buffers."""
    takes_module: bool = False
    """Whether the function takes the module as its first argument."""
    is_recurrent: bool = False
    """Whether it can be unrolled."""


@dataclass
class TypePlan:
    """A type of module."""

    name: str
    """Its class name, without path."""
    runtime: Runtime
    methods: dict[str, Program] = field(default_factory=dict)
    pre_hooks: tuple[Program, ...] = ()
    """Programs that see (module, inputs) before `forward` where the whole network is called."""
    hooks: tuple[Program, ...] = ()
    """Programs that see (module, inputs, output) after it."""
    operators: dict[str, OperatorPlan] = field(default_factory=dict)
    """By the name of the child that they become."""
    thawed: dict[str, Tensor] = field(default_factory=dict)
    """Constants of a frozen archive that become parameters of the module itself, by name."""
    is_recurrent: bool = False
    """Whether its own code runs a recurrent operator."""

    def __deepcopy__(self, memo: dict[int, Any]) -> "TypePlan":
        return self
