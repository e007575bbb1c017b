"""The modules that an archive becomes."""

from collections.abc import Callable, Sequence
from typing import Any

from torch import Tensor, nn

from workers.uploads.errors import InvalidUploadError
from workers.uploads.torchscript.limits import invalid
from workers.uploads.torchscript.lowering.plan import OperatorPlan, TypePlan
from workers.uploads.torchscript.objects import ScriptInstance

TimeTap = Callable[[Sequence[Tensor]], None]


class RebuiltModule(nn.Module):
    """A module of an archive: its parameters, buffers and submodules under their own names, and its code.

    `original_name` is the name of its class where it was made, such as "Linear".
    """

    def __init__(self, plan: TypePlan, path: str) -> None:
        super().__init__()
        self.original_name = plan.name
        self.path = path
        """Its path in the archive."""
        self._plan = plan
        self._attributes: dict[str, Any] = {}
        self._lists: dict[str, tuple[str, ...]] = {}
        """Attributes that are lists of the module's own tensors, by the names of these."""

    def forward(self, *arguments: Any, method: str = "forward", **named: Any) -> Any:
        """Run its code. A tracer writes a second call of a module as another method, such as `forward1`."""
        plan = self._plan
        program = plan.methods.get(method)
        if program is None:
            raise NotImplementedError(f"The {plan.name} '{self.path}' has no code of its own to call.")
        if named:
            arguments = program.bind((self, *arguments), {**named})[1:]
        if plan.runtime.running:
            return program.run(self, self, *arguments)
        needed = [name for at, name in enumerate(program.parameters) if at and at not in program.defaults]
        if len(needed) > 1 and len(arguments) == 1:
            raise InvalidUploadError(
                f"The network's forward takes {len(needed)} inputs ({', '.join(needed)}); a job gives it one."
            )
        with plan.runtime.forward_pass(arguments):
            for hook in plan.pre_hooks:
                changed = hook.run(self, self, arguments)
                arguments = arguments if changed is None else _as_tuple(changed)
            output = program.run(self, self, *arguments)
            for hook in plan.hooks:
                changed = hook.run(self, self, arguments, output)
                output = output if changed is None else changed
            return output

    def call_method(self, name: str, *arguments: Any) -> Any:
        """Run a method of the archive's code; hooks fire if it is a form of `forward`."""
        if name.startswith("forward"):
            return self(*arguments, method=name)
        if name not in self._plan.methods:
            raise invalid(f"The {self.original_name} '{self.path}' has no method '{name}'.")
        return self._plan.methods[name].run(self, self, *arguments)

    def read(self, name: str) -> Any:
        """The value of an attribute."""
        for table in (self._parameters, self._buffers, self._modules, self._attributes):
            if name in table:
                return table[name]
        if name in self._lists:
            return [self.read(entry) for entry in self._lists[name]]
        if name == "training":
            return self.training
        return getattr(self, name) if _is_registered(self, name) else _missing(self, name)

    def write(self, name: str, value: Any) -> None:
        """Set an attribute, as the archive's code does."""
        if name in self._parameters:
            if value is not self._parameters[name]:
                raise invalid(f"The network's code replaces its parameter '{name}'.")
        elif name in self._buffers:
            self._buffers[name] = value
        elif name == "training":
            self.training = bool(value)
        else:
            self._lists.pop(name, None)
            self._attributes[name] = value

    def _get_name(self) -> str:
        return self.original_name


class RecurrentModule(RebuiltModule):
    """A module whose own code runs a recurrent operator.

    While `time_tap` is set, the operator runs as an unrolled loop, equal up to rounding, and the tap is given
    the hidden states h_1 … h_T of its last layer, forward in time, each (batch, units) and part of the graph.
    """

    time_tap: TimeTap | None = None


class Operator(nn.Module):
    """An operator that a module's code calls, as a child of that module.

    `operator` is its kind, such as "aten::relu". It takes the tensor that flows through it, and those other
    arguments that are not constant. In a frozen archive its constants are its parameters again.
    """

    def __init__(self, plan: OperatorPlan) -> None:
        super().__init__()
        self.operator = plan.operator
        self.original_name = plan.operator.partition("::")[2]
        self._plan = plan
        self._is_simple = plan.given == (0,) and not (plan.bound or plan.named or plan.takes_module)
        self._constants = plan.template[1:]

    def forward(self, *given: Any) -> Any:
        """Run it."""
        plan = self._plan
        if self._is_simple:
            return plan.function(*given, *self._constants)
        arguments: list[Any] = list(plan.template)
        named = dict(plan.named)
        for where, value in zip(plan.given, given, strict=True):
            if isinstance(where, int):
                arguments[where] = value
            else:
                named[where] = value
        for position, index, name in plan.bound:
            _place(arguments, position, index, getattr(self, name))
        if plan.takes_module:
            return plan.function(self, *arguments, **named)
        return plan.function(*arguments, **named)

    def extra_repr(self) -> str:
        """What stands between the brackets where the network is printed."""
        return self.operator


class RecurrentOperator(Operator):
    """An operator that runs over time; see RecurrentModule."""

    time_tap: TimeTap | None = None


def call_method(receiver: Any, name: str, arguments: Sequence[Any]) -> Any:
    """Call a method of a module or object. A module that has taken another's place is called as it is."""
    if isinstance(receiver, RebuiltModule | ScriptInstance):
        return receiver.call_method(name, *arguments)
    if isinstance(receiver, nn.Module) and name.startswith(("forward", "__call__")):
        return receiver(*arguments)
    raise invalid(f"A {type(receiver).__name__} has no method '{name}' of the archive.")


def read_attribute(holder: Any, name: str) -> Any:
    """An attribute of a module or object."""
    if isinstance(holder, RebuiltModule | ScriptInstance):
        return holder.read(name)
    if isinstance(holder, nn.Module) and (name == "training" or _is_registered(holder, name)):
        return getattr(holder, name)
    return _missing(holder, name)


def write_attribute(holder: Any, name: str, value: Any) -> None:
    """Set an attribute of a module or object."""
    if not isinstance(holder, RebuiltModule | ScriptInstance):
        raise invalid(
            f"The attribute '{name}' of a {type(holder).__name__} cannot be set by the archive's code."
        )
    holder.write(name, value)


def _is_registered(module: nn.Module, name: str) -> bool:
    """Whether a name is a tensor or module of a module, as it may be after a change from outside."""
    parametrized = getattr(module, "parametrizations", ())
    return (
        name in module._parameters
        or name in module._buffers
        or name in module._modules
        or name in parametrized
    )


def _missing(holder: Any, name: str) -> Any:
    kind = getattr(holder, "original_name", type(holder).__name__)
    raise invalid(f"A {kind} has no attribute '{name}'.")


def _place(arguments: list[Any], position: int, index: int | None, tensor: Tensor) -> None:
    if index is None:
        arguments[position] = tensor
    elif index == 0:
        arguments[position] = [tensor]
    else:
        arguments[position].append(tensor)


def _as_tuple(value: Any) -> tuple[Any, ...]:
    return value if isinstance(value, tuple) else (value,)
