"""The predictions: what theory says a random network does to its gradient."""

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Oracle:
    """One prediction."""

    id: str
    params: dict[str, Any]
    """The network that it is made for."""
    quantity: str
    predicted: float
    tolerance: float
    """Of the mean over `seeds` networks."""
    measured: float
    """By an independent program."""
    standard_error: float | None
    """Of `measured`."""
    seeds: int
    source: str

    def tolerance_of(self, seeds: int) -> float:
        """Of the mean over fewer networks: four standard errors of it, where those are more."""
        exact = FLOAT32 * max(1.0, abs(self.predicted))
        if seeds >= self.seeds:
            return max(self.tolerance, exact)
        spread = self._four_errors * math.sqrt(self.seeds / seeds)
        return max(self.tolerance, spread + self._systematic, exact)

    @property
    def _systematic(self) -> float:
        return 4.0 / self.params["n"] if self.id in FINITE_WIDTH else 0.0

    @property
    def _four_errors(self) -> float:
        """Where the tolerance is four predicted standard errors and a term for the width: the former."""
        if self.id in FINITE_WIDTH:
            return self.tolerance - self._systematic
        return 4.0 * (self.standard_error or 0.0)

    def __str__(self) -> str:
        return self.id + "".join(f"-{key}={value}" for key, value in self.params.items() if key not in HIDDEN)


HIDDEN = frozenset({"n", "qstar", "chi1", "branch", "data", "recurrent", "input"})
"""Parameters that the name of a test does without."""

FINITE_WIDTH = frozenset({"O1.plain", "O1.ortho", "O1.uniform"})
"""Those with the tolerance 4 √(v / (n (L - 1) S)) + 4/n for S networks of width n and depth L."""

FLOAT32 = 1e-5
"""Relative error of the logarithm of a product of many float32 factors, where theory is exact."""


def load() -> list[Oracle]:
    """All of them."""
    return [
        Oracle(**record) for record in json.loads(Path(__file__).with_name("oracles.json").read_text("utf-8"))
    ]
