"""A function of the archive, made ready to run: steps over a frame of values.

A frame is a list. Its first entry is the module whose code runs (or None), the next are the arguments, then
come constants and places for intermediate values. A step reads entries and writes entries. Nothing here knows
operators; nothing of the archive becomes Python source.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from workers.uploads.errors import FailedPassError, InvalidUploadError, UnsafeUploadError, UploadError
from workers.uploads.torchscript.limits import RefusalError
from workers.uploads.torchscript.runtime import Runtime

Frame = list[Any]
Step = Callable[[Frame], None]

FAULTS = (LookupError, ArithmeticError, TypeError, ValueError, AttributeError, AssertionError)
"""What Python raises where the archive's own code is at fault."""


@dataclass(frozen=True)
class Place:
    """Where a step stands in the archive."""

    function: str
    """Qualified name of the function or method."""
    statement: str
    """Kind of its node, such as `aten::add`."""
    calls_out: bool = False
    """Whether it calls a module, so that what is raised may come from elsewhere, such as a hook."""

    def describe(self, owner: Any) -> str:
        """In words, with the path of the module whose code runs."""
        path = getattr(owner, "path", None)
        module = "" if path is None else f" of module '{path or 'the network itself'}'"
        return f"In {self.statement}, in {self.function}{module}."


class Block:
    """Steps that run one after the other."""

    __slots__ = ("places", "steps")

    def __init__(self, steps: Sequence[Step], places: Mapping[Step, Place]) -> None:
        self.steps = tuple(steps)
        self.places = {step: places[step] for step in self.steps if step in places}

    def run(self, frame: Frame) -> None:
        """Run them. Where one fails, say where."""
        step: Step | None = None
        try:
            for step in self.steps:
                step(frame)
        except UploadError:
            raise
        except Exception as error:
            self.locate(error, step, frame[0])
            raise

    def locate(self, error: Exception, step: Step | None, owner: Any) -> None:
        """Say where a step failed: raises an UploadError if the archive is at fault, else adds a note."""
        place = self.places.get(step) if step is not None else None
        if place is not None:
            _raise_located(error, place, owner)

    def __len__(self) -> int:
        return len(self.steps)


def _raise_located(error: Exception, place: Place, owner: Any) -> None:
    where = place.describe(owner)
    if isinstance(error, RefusalError):
        raise error.error(f"{error.reason} {where}") from error
    if isinstance(error, RecursionError):
        raise UnsafeUploadError(f"Functions call one another without end. {where}") from error
    if isinstance(error, FAULTS) and not place.calls_out:
        raise FailedPassError(f"The network's own code failed: {str(error)[:300]} {where}") from error
    if not getattr(error, "__notes__", None):
        error.add_note(where)


class Program:
    """A function or method. It is created empty, so that functions can call each other, and filled once."""

    __slots__ = ("block", "cost", "defaults", "name", "parameters", "result", "runtime", "tail")

    def __init__(self, name: str, runtime: Runtime) -> None:
        self.name = name
        self.runtime = runtime
        self.block = Block((), {})
        self.cost = 1
        self.parameters: tuple[str, ...] = ()
        self.defaults: dict[int, Any] = {}
        self.tail: list[Any] = []
        self.result = 0

    def run(self, owner: Any, *arguments: Any) -> Any:
        """Run it for a module (None for a free function)."""
        if len(arguments) != len(self.parameters):
            arguments = self.bind(arguments, {})
        runtime = self.runtime
        runtime.remaining -= self.cost
        if runtime.remaining < 0:
            runtime.spend(0)
        frame = [owner, *arguments, *self.tail]
        step: Step | None = None
        try:  # as Block.run does, without a call
            for step in self.block.steps:
                step(frame)
        except UploadError:
            raise
        except Exception as error:
            self.block.locate(error, step, owner)
            raise
        return frame[self.result]

    def bind(self, arguments: Sequence[Any], named: Mapping[str, Any]) -> tuple[Any, ...]:
        """The arguments in order, with defaults for those left out.

        Raises:
            InvalidUploadError: It takes others.
        """
        bound = list(arguments)
        left = dict(named)
        for index in range(len(bound), len(self.parameters)):
            if self.parameters[index] in left:
                bound.append(left.pop(self.parameters[index]))
            elif index in self.defaults:
                bound.append(self.defaults[index])
        if left or len(bound) != len(self.parameters):
            takes = ", ".join(self.parameters)
            raise InvalidUploadError(f"{self.name} takes ({takes}), and was given {len(arguments)} values.")
        return tuple(bound)

    def __deepcopy__(self, memo: dict[int, Any]) -> "Program":
        return self
