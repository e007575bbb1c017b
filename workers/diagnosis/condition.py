"""What a condition is to the engine: its description, its rule, and what it is a consequence of."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field

from service.contract.conditions import ConditionInfo
from service.contract.diagnosis import Finding
from workers.diagnosis.case import Case


@dataclass(frozen=True)
class Condition:
    """One thing that can be found.

    `examine` is a pure function of the case and knows no other condition. That an illness brings others
    with it is declared, in `explained_by`, and settled by the engine.
    """

    info: ConditionInfo
    examine: Callable[[Case], Iterable[Finding]]
    explained_by: frozenset[str] = field(default_factory=frozenset)
    """Conditions that, found as warning or critical and at least as severe, make this one a mere
    consequence and no finding of its own."""
    explained_here: Callable[[Case], frozenset[str]] = lambda _: frozenset()
    """The same, where which of two is the cause depends on the case: mostly on which was there first."""
    consequence: str | None = None
    """How it reads among the consequences of another; None leaves it out there."""
    reassures: bool = False
    """Whether it speaks for the network, not against it."""
