"""What a remedy is, and what comes of applying one."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from service.contract.remedies import RemedyName


class NotApplicable(Exception):  # noqa: N818 - an answer, not a fault
    """The remedy does not fit this network, data or training. The message says why, for people."""


@dataclass(frozen=True)
class Candidate:
    """A changed way of training, to be tried."""

    remedy: str
    """Name of the remedy."""
    variant: str | None
    """Which form of it; None if it has only one."""
    description: str
    """What was changed, in a sentence."""
    request: JobRequest
    """The request, changed."""
    learning_rates: tuple[float, ...] | None = None
    """Those to search, where the search itself is the remedy; None: as many as any trial tries."""


Apply = Callable[[JobRequest, Diagnosis | None], list[Candidate]]
"""Every variant, the likeliest first. Raises NotApplicable if there is none."""


Variants = Mapping[str, tuple[str, Callable[[], JobRequest]]]
"""By name: what was changed, and what changes it."""


def each_applicable(remedy: RemedyName, variants: Variants) -> list[Candidate]:
    """Those of a remedy's variants that fit. Raises NotApplicable, as the first one did, if none does."""
    found: list[Candidate] = []
    refusals: list[NotApplicable] = []
    for name, (description, change) in variants.items():
        try:
            found.append(Candidate(remedy, name, description, change()))
        except NotApplicable as error:
            refusals.append(error)
    if refusals and not found:
        raise refusals[0]
    return found


@dataclass(frozen=True)
class Remedy:
    """A change of a request. Pure: it builds and trains nothing."""

    name: RemedyName
    """Its name in `remedies.try`."""
    apply: Apply
    invasiveness: int
    """How much of the user's choices it changes: 0 a number of the training; 1 the training or the data's
    scale; 2 the first weights; 3 the functions; 4 layers that are added; 5 the way the layers are connected;
    6 the kind of layer, or how training goes about."""
    conditions: frozenset[str]
    """The findings that it is for."""
