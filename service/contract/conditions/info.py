"""The types in which a condition, its thresholds, measures and remedies are described."""

from service.contract.base import Contract


class Measure(Contract):
    """A quantity that evidence is given in."""

    name: str
    """Its name in `evidence[].measure`."""
    unit: str
    """Its unit."""
    description: str
    """What it is."""


class Threshold(Contract):
    """A value at which a judgement changes."""

    measure: str
    """The measure it is held against."""
    value: float
    """The value, in the measure's unit."""
    meaning: str
    """What is concluded beyond it."""
    source: str
    """Where the value comes from."""


class LookAlike(Contract):
    """Something that is easily taken for the condition."""

    name: str
    """What it is."""
    how_to_tell: str
    """What separates the two."""


class ConditionInfo(Contract):
    """What a condition is and how it is recognised."""

    name: str
    """Its name in `findings[].condition`."""
    title: str
    """Its name for people."""
    description: str
    """What it is and what it does to training."""
    recognised_by: str
    """The rule in words."""
    thresholds: tuple[Threshold, ...] = ()
    """The values the rule uses."""
    look_alikes: tuple[LookAlike, ...] = ()
    """What it is confused with."""
    remedies: tuple[str, ...] = ()
    """Remedies that can help, by name."""
    sources: tuple[str, ...] = ()
    """Publications behind it."""


class RemedyInfo(Contract):
    """A change that can help. Whether it helps this network shows when it is tried."""

    name: str
    """Its name in `findings[].remedies`."""
    title: str
    """Its name for people."""
    description: str
    """What to change, and what makes the difference between helping and not."""
    sources: tuple[str, ...] = ()
    """Publications behind it."""
