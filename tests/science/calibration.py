"""Is a finding as sure as it says? `python -m tests.science.calibration` writes docs/calibration.md.

Traces are kept in a folder (`--traces`), so that only the diagnosis is made again after a change of it.
"""

import argparse
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from tests.science.calibration_cases import Case, cases
from tests.science.calibration_formulas import formulas, legend
from workers.diagnosis.conditions import CONDITIONS

DOCUMENT = Path(__file__).parents[2] / "docs" / "calibration.md"
TEMPLATE = Path(__file__).parent / "data" / "calibration_page.md"
ENOUGH_CASES = 20
"""Below, a bin says too little."""
TOLERATED, STANDARD_ERRORS = 0.15, 2.0
"""Badly calibrated: further off than both, with enough cases."""
BINS = ((0.0, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 1.0))
REASSURING = frozenset(c.info.name for c in CONDITIONS if c.reassures)

BEYOND_THE_GRID = {
    "class_imbalance": "digits has ten classes of equal size",
    "compute_bound": "it says where the time goes, not whether the network learns",
    "disconnected_parameters": "a fact of the graph, and no network of the grid is cut",
    "error_signal_saturated": "cross entropy does not saturate, and the grid has no other loss",
    "frozen_parameters": "a fact of the graph, and no network of the grid has frozen layers",
    "gradient_underflow": "all runs are in float32",
    "overfitting": "it needs more passes over the data than 117 steps make",
    "uninformative_data": "digits can be learned",
    "unscaled_inputs": "the grid's inputs are standardised",
}
"""Why no case can be expected."""
NOT_FOUND = "no warning of it in these runs but as the consequence of another finding"


@dataclass(frozen=True)
class Claim:
    """What a finding says of a network, and what became of it in the grid."""

    condition: str
    severity: str
    trained: bool
    foretold: float
    """Probability of failure that it claims: its confidence; of a reassuring one, 1 less that."""
    failed: bool


def claims(measured: Iterable[Case]) -> Iterator[Claim]:
    """Of all findings but notes, which claim no failure; of reassuring ones, also of notes."""
    for case in measured:
        for found in case.diagnosis.findings:
            reassures = found.condition in REASSURING
            if reassures or found.severity != "note":
                foretold = 1 - found.confidence if reassures else found.confidence
                severity = "reassures" if reassures else found.severity
                yield Claim(found.condition, severity, case.steps > 0, foretold, case.failed)


@dataclass(frozen=True)
class Comparison:
    """Foretold and observed failures among some claims."""

    cases: int
    foretold: float
    observed: float
    brier: float

    @classmethod
    def of(cls, chosen: Sequence[Claim]) -> "Comparison":
        foretold = np.array([claim.foretold for claim in chosen])
        failed = np.array([claim.failed for claim in chosen], dtype=float)
        brier = float(((foretold - failed) ** 2).mean())
        return cls(len(chosen), float(foretold.mean()), float(failed.mean()), brier)

    @property
    def error(self) -> float:
        """Standard error of `observed`, of Laplace's estimate: never 0, however few cases agree."""
        share = (self.observed * self.cases + 1) / (self.cases + 2)
        return float(np.sqrt(share * (1 - share) / self.cases))

    @property
    def judgement(self) -> str:
        if self.cases < ENOUGH_CASES:
            return f"fewer than {ENOUGH_CASES} cases"
        difference = self.foretold - self.observed
        if abs(difference) <= max(TOLERATED, STANDARD_ERRORS * self.error):
            return "calibrated"
        return "too sure" if difference > 0 else "not sure enough"

    def __str__(self) -> str:
        return f"{self.cases} | {self.foretold:.2f} | {self.observed:.2f} ± {self.error:.2f}"


def by_condition(found: Sequence[Claim]) -> Iterator[str]:
    for condition, trained, severity in sorted({(c.condition, c.trained, c.severity) for c in found}):
        chosen = [c for c in found if (c.condition, c.trained, c.severity) == (condition, trained, severity)]
        comparison = Comparison.of(chosen)
        yield (
            f"| `{condition}` | {_when(trained)} | {severity} | {comparison} | {comparison.brier:.3f} | "
            f"{comparison.judgement} |"
        )


def reliability(found: Sequence[Claim]) -> Iterator[str]:
    for condition, trained in sorted({(c.condition, c.trained) for c in found}):
        chosen = [c for c in found if (c.condition, c.trained) == (condition, trained)]
        for low, high in BINS:
            inside = [c for c in chosen if low <= c.foretold < high or (high == 1 and c.foretold == 1)]
            if inside:
                yield f"| `{condition}` | {_when(trained)} | {low:g} to {high:g} | {Comparison.of(inside)} |"


def by_verdict(measured: Sequence[Case]) -> Iterator[str]:
    for trained in (False, True):
        for verdict in ("unhealthy", "at_risk", "inconclusive", "healthy"):
            failed = [
                c.failed for c in measured if (c.steps > 0) == trained and c.diagnosis.verdict == verdict
            ]
            if failed:
                share = Comparison(len(failed), 0.0, float(np.mean(failed)), 0.0)
                yield (
                    f"| `{verdict}` | {_when(trained)} | {len(failed)} | {sum(failed)} | "
                    f"{share.observed:.2f} ± {share.error:.2f} |"
                )


def never_seen(found: Sequence[Claim]) -> Iterator[str]:
    seen = {claim.condition for claim in found}
    for condition in sorted(c.info.name for c in CONDITIONS if c.info.name not in seen):
        yield f"| `{condition}` | {BEYOND_THE_GRID.get(condition, NOT_FOUND)} |"


def formula_rows() -> Iterator[str]:
    for formula in formulas():
        yield f"| `{formula.condition}` | {str(formula).replace('|', chr(92) + '|')} |"


def _when(trained: bool) -> str:
    return "trained" if trained else "at initialisation"


def page(measured: Sequence[Case]) -> str:
    found = list(claims(measured))
    return TEMPLATE.read_text(encoding="utf-8").format(
        untrained=sum(case.steps == 0 for case in measured),
        trained=sum(case.steps > 0 for case in measured),
        verdicts="\n".join(by_verdict(measured)),
        conditions="\n".join(by_condition(found)),
        reliability="\n".join(reliability(found)),
        formulas="\n".join(formula_rows()),
        legend="\n".join(f"| `{name}` | {meaning} |" for name, meaning in legend()),
        never_seen="\n".join(never_seen(found)),
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--traces", type=Path, help="where traces are kept; else they are not")
    parser.add_argument("--output", type=Path, default=DOCUMENT)
    given = parser.parse_args()
    torch.set_num_threads(1)
    with tempfile.TemporaryDirectory() as temporary:
        folder = given.traces or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        given.output.write_text(page(list(cases(folder))), encoding="utf-8")


if __name__ == "__main__":
    main()
