"""How often the diagnosis is right, with confidence intervals."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from service.contract.diagnosis import Diagnosis
from tests.science.situations.situation import Situation, alarms, mistakes, primary

Z_95 = 1.959964
"""Normal quantile of a two-sided 95 % interval."""


@dataclass(frozen=True)
class Result:
    """One situation, run with one seed."""

    situation: str
    seed: int
    truth: frozenset[str]
    """Conditions of which one is right; empty where nothing is to be found."""
    alarming: bool
    verdict: str
    primary: str
    alarms: tuple[str, ...]
    mistakes: tuple[str, ...]
    counts: bool = True
    """False for a network that was to be healthy but did not learn well, so that nobody knows what it is."""

    @classmethod
    def of(cls, situation: Situation, seed: int, diagnosis: Diagnosis, *, counts: bool = True) -> "Result":
        truth = situation.truth
        return cls(
            situation.name,
            seed,
            truth.conditions,
            truth.alarming,
            diagnosis.verdict,
            primary(diagnosis),
            tuple(alarms(diagnosis)),
            tuple(mistakes(truth, diagnosis)),
            counts,
        )


@dataclass(frozen=True)
class Share:
    """So many of so many."""

    hits: int
    of: int

    @classmethod
    def where(cls, hits: Iterable[bool]) -> "Share":
        listed = list(hits)
        return cls(sum(listed), len(listed))

    def wilson(self) -> tuple[float, float]:
        """The 95 % interval of Wilson (1927), which holds for shares near 0 and 1 too.

        Raises ValueError for a share of nothing.
        """
        if not self.of:
            raise ValueError("a share of nothing has no interval")
        share, z2 = self.hits / self.of, Z_95**2
        centre = (share + z2 / (2 * self.of)) / (1 + z2 / self.of)
        spread = math.sqrt(share * (1 - share) / self.of + z2 / (4 * self.of**2))
        half = Z_95 * spread / (1 + z2 / self.of)
        return max(0.0, centre - half), min(1.0, centre + half)

    def __str__(self) -> str:
        if not self.of:
            return "–"
        low, high = self.wilson()
        return f"{self.hits} of {self.of} ({100 * low:.0f} to {100 * high:.0f} %)"


def ill_runs(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if result.alarming and result.counts]


def healthy_runs(results: Sequence[Result]) -> list[Result]:
    return [result for result in results if not result.alarming and result.counts]


def sensitivity(results: Sequence[Result], condition: str) -> Share:
    """Of the runs that have it, those whose diagnosis puts it first; `compute_bound` is no illness."""
    return Share.where(r.primary in r.truth for r in results if r.counts and condition in r.truth)


def false_alarms(results: Sequence[Result], condition: str) -> Share:
    """Of the healthy runs, those that are warned of it."""
    return Share.where(condition in r.alarms for r in healthy_runs(results))


def beside_another(results: Sequence[Result], condition: str) -> Share:
    """Of the runs with another illness, those that are warned of it as well, or instead."""
    return Share.where(condition in r.alarms for r in ill_runs(results) if condition not in r.truth)
