"""The conditions: one module each, with a `CONDITION`. Adding a module adds the condition."""

from importlib import import_module
from pkgutil import iter_modules

from workers.diagnosis.condition import Condition


def _discovered() -> tuple[Condition, ...]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    return tuple(module.CONDITION for module in modules if hasattr(module, "CONDITION"))


CONDITIONS: tuple[Condition, ...] = _discovered()
"""Every condition that is looked for. The engine's result does not depend on their order."""
