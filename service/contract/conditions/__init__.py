"""What the service can find: conditions, their thresholds, measures and remedies. The catalog serves it.

A condition is one module of this package with an `INFO`; `workers.diagnosis.conditions` has the rule of
the same name. Adding the two modules is all it takes.
"""

from importlib import import_module
from pkgutil import iter_modules

from service.contract.conditions.info import ConditionInfo, LookAlike, Measure, RemedyInfo, Threshold
from service.contract.conditions.measures import MEASURES
from service.contract.conditions.remedies import REMEDIES

__all__ = [
    "CONDITIONS",
    "MEASURES",
    "REMEDIES",
    "ConditionInfo",
    "LookAlike",
    "Measure",
    "RemedyInfo",
    "Threshold",
]


def _discovered() -> dict[str, ConditionInfo]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    found = (module.INFO for module in modules if hasattr(module, "INFO"))
    return {info.name: info for info in found}


CONDITIONS: dict[str, ConditionInfo] = _discovered()
"""Every condition, by name."""
