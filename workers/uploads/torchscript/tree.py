"""From an archive's modules to a tree of ordinary modules."""

from typing import Any

import torch
from torch import Tensor, nn

from workers.uploads.torchscript.limits import check_constant, invalid
from workers.uploads.torchscript.loading import (
    Archive,
    ScriptModule,
    buffers,
    children,
    modules,
    parameters,
    type_name,
)
from workers.uploads.torchscript.lowering.compiler import Compiler
from workers.uploads.torchscript.lowering.plan import OperatorPlan, TypePlan
from workers.uploads.torchscript.modules import (
    Operator,
    RebuiltModule,
    RecurrentModule,
    RecurrentOperator,
)
from workers.uploads.torchscript.objects import ScriptInstance


def build(archive: Archive) -> nn.Module:
    """The network in an archive."""
    found = list(modules(archive.root))
    frozen = not any(parameters(module) for _, module in found)
    compiler = Compiler(archive, frozen=frozen)
    types = {type_name(module): module for _, module in found}
    for module in types.values():
        compiler.know(module)
    plans = {qualified: compiler.module_type(module) for qualified, module in types.items()}
    return _Tree(compiler, plans).module(archive.root, "")


class _Tree:
    """Makes modules; tensors that are one in the archive are one here."""

    def __init__(self, compiler: Compiler, plans: dict[str, TypePlan]) -> None:
        self._compiler = compiler
        self._plans = plans
        self._parameters: dict[int, tuple[Tensor, nn.Parameter]] = {}
        self._thawed: dict[tuple[Any, ...], nn.Parameter] = {}

    def module(self, script: ScriptModule, path: str) -> RebuiltModule:
        """A module with all below it."""
        plan = self._plans[type_name(script)]
        module = (RecurrentModule if plan.is_recurrent else RebuiltModule)(plan, path)
        for name, tensor in parameters(script):
            module._parameters[name] = self._parameter(tensor)
        for name, tensor in buffers(script):
            module._buffers[name] = tensor
        for name, child in children(script):
            module._modules[name] = self.module(child, f"{path}.{name}" if path else name)
        for name, tensor in plan.thawed.items():
            module._parameters[name] = self._thaw(tensor)
        for name, operator in plan.operators.items():
            module._modules[name] = self._operator(operator)
        self._add_attributes(module, script)
        module.training = bool(script.getattr("training")) if script.hasattr("training") else True
        return module

    def _parameter(self, tensor: Tensor) -> nn.Parameter:
        """Keyed by the tensor's identity, which lasts as long as it is kept here."""
        if id(tensor) not in self._parameters:
            parameter = nn.Parameter(tensor.detach(), requires_grad=tensor.requires_grad)
            self._parameters[id(tensor)] = (tensor, parameter)
        return self._parameters[id(tensor)][1]

    def _thaw(self, tensor: Tensor) -> nn.Parameter:
        key = (tensor.data_ptr(), tensor.shape, tensor.stride(), tensor.dtype)
        if key not in self._thawed:
            self._thawed[key] = nn.Parameter(tensor.detach().clone())
        return self._thawed[key]

    def _operator(self, plan: OperatorPlan) -> Operator:
        operator = (RecurrentOperator if plan.is_recurrent else Operator)(plan)
        for name, tensor in plan.tensors.items():
            if name in plan.statistics:
                operator.register_buffer(name, tensor.detach().clone())
            else:
                operator.register_parameter(name, self._thaw(tensor))
        return operator

    def _add_attributes(self, module: RebuiltModule, script: ScriptModule) -> None:
        """The attributes that the code uses and that are no tensors or modules."""
        registered = {*module._parameters, *module._buffers, *module._modules, "training"}
        for name in sorted(self._compiler.attributes.get(type_name(script), set()) - registered):
            if not script.hasattr(name):
                continue
            value = script.getattr(name)
            own = self._own_names(module, value)
            if own is not None:
                module._lists[name] = own
            else:
                module._attributes[name] = self._value(value)

    def _own_names(self, module: RebuiltModule, value: Any) -> tuple[str, ...] | None:
        """The names of a module's own tensors in a list that holds nothing else, such as `_flat_weights`."""
        if not isinstance(value, list) or not value or not all(isinstance(entry, Tensor) for entry in value):
            return None
        own = {id(parameter): name for name, parameter in module._parameters.items()}
        names = [
            own.get(id(self._parameters[id(entry)][1])) for entry in value if id(entry) in self._parameters
        ]
        if len(names) != len(value) or None in names:
            return None
        return tuple(name for name in names if name is not None)

    def _value(self, value: Any) -> Any:
        """An attribute's value, with parameters and objects as they are here."""
        if isinstance(value, Tensor):
            return self._parameters[id(value)][1] if id(value) in self._parameters else value
        if isinstance(value, list | tuple):
            return type(value)(self._value(entry) for entry in value)
        if isinstance(value, dict):
            return {key: self._value(entry) for key, entry in value.items()}
        if isinstance(value, torch._C.ScriptObject):
            return self._object(value)
        if value is None or isinstance(value, int | float | complex | str | bool | torch.device):
            return check_constant(value)
        raise invalid(f"Attributes of type {type(value).__name__} are not supported.")

    def _object(self, script: Any) -> ScriptInstance:
        kind = script._type()
        instance = ScriptInstance(str(kind), self._compiler.class_methods(kind))
        for name in self._compiler.attributes.get(str(kind), set()):
            if script.hasattr(name):
                instance.write(name, self._value(script.getattr(name)))
        return instance
