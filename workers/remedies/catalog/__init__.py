"""The remedies, a file each: a pure change of a job's request, in one or several variants.

A module with a `REMEDY` is a remedy; adding one, with its name in `RemedyName`, is all it takes.
"""

from importlib import import_module
from pkgutil import iter_modules

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from workers.remedies.catalog.remedy import Candidate, NotApplicable, Remedy

__all__ = ["REMEDIES", "Candidate", "NotApplicable", "Remedy", "candidates", "invasiveness"]


def _discovered() -> dict[str, Remedy]:
    modules = (import_module(f"{__name__}.{module.name}") for module in iter_modules(__path__))
    found = (module.REMEDY for module in modules if hasattr(module, "REMEDY"))
    return {remedy.name: remedy for remedy in found}


REMEDIES: dict[str, Remedy] = _discovered()
"""Every remedy that can be tried, by name."""


def candidates(name: str, request: JobRequest, diagnosis: Diagnosis | None = None) -> list[Candidate]:
    """The remedy's variants for a request, the likeliest first. Everything that a variant does not name in
    its description is as in `request`. Raises NotApplicable, KeyError for a remedy that there is not."""
    found = REMEDIES[name].apply(request, diagnosis)
    changed = [
        candidate
        for candidate in found
        if candidate.request != request or candidate.learning_rates is not None
    ]
    if not changed:
        raise NotApplicable("it is trained so already")
    return changed


def invasiveness(name: str) -> int:
    """How much of the user's choices a remedy changes, as in `Remedy`; 0 for what is no remedy."""
    return REMEDIES[name].invasiveness if name in REMEDIES else 0
