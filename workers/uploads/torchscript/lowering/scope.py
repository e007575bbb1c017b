"""Whose code is being read, and what of it becomes child modules."""

from collections.abc import Iterable
from typing import Any

import torch
from torch import Tensor

from workers.uploads.torchscript.lowering.plan import OperatorPlan, TypePlan


class Scope:
    """A type of module whose operators become child modules, with the names that it has already."""

    def __init__(self, plan: TypePlan, names: Iterable[str], *, thaws: bool) -> None:
        self.plan = plan
        self.thaws = thaws
        """Whether the archive is frozen, so that its constants were parameters."""
        self._names = set(names)

    def add_operator(self, operator: OperatorPlan) -> str:
        """Have an operator become a child; its name there, such as `relu` or, the second time, `relu_1`."""
        name = self._unused(operator.operator.partition("::")[2].strip("_"))
        self.plan.operators[name] = operator
        return name

    def thaw(self, tensor: Tensor, wanted: str) -> str:
        """Have a constant become a parameter of the module itself; its name there."""
        for name, known in self.plan.thawed.items():
            if known is tensor:
                return name
        name = self._unused(wanted)
        self.plan.thawed[name] = tensor
        return name

    def _unused(self, wanted: str) -> str:
        name, count = wanted, 0
        while name in self._names or hasattr(torch.nn.Module, name):
            count += 1
            name = f"{wanted}_{count}"
        self._names.add(name)
        return name


def is_thawable(value: Any) -> bool:
    """Whether a constant of a frozen archive was, as far as one can tell, a parameter."""
    return isinstance(value, Tensor) and value.is_floating_point() and value.dim() > 0
