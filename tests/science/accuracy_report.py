"""docs/accuracy.md, from results."""

from collections import Counter
from collections.abc import Iterable, Sequence

from service.contract.conditions import CONDITIONS
from tests.science.situations.counting import (
    Result,
    Share,
    beside_another,
    false_alarms,
    healthy_runs,
    ill_runs,
    sensitivity,
)
from tests.science.situations.table import SITUATIONS

_HEAD = """# How often the diagnosis is right

Made by `make accuracy` (`python -m tests.science.accuracy`); do not edit. Each run is a job: built, trained,
probed and diagnosed as a worker does it. The shares have 95 % intervals (Wilson 1927) in parentheses. They
treat runs as independent; runs of one situation differ only in their seed, so for what a *new* network would
get, the intervals are too narrow. And the thresholds were chosen, and some rules corrected, with these 24
situations in view, which also got trainings that suit their truth: they show that the conditions can be told
apart, not how often they will be on networks that nobody has seen.
"""

_RULES = """
A run of an ill network is right if the finding that comes first names its illness and the verdict fits. A run
of a healthy one is right if nothing is found that is more than a note, and the verdict is `healthy`.
"""

_SITUATIONS = """
## The 24 look-alikes

Each looks like another one. `tests/science/situations/table.py` builds them and says why the truth is the
truth.

| situation | truth | right | otherwise |
|---|---|---|---|
"""

_HEALTHY = """
## More healthy networks

Only runs count whose network ended more than half way from chance to a perfect score on held-out data, so
that its health is nobody's opinion.

| network | no false alarm | otherwise |
|---|---|---|
"""

_CONDITIONS = """
## By condition

Sensitivity: of the runs that have the illness, those whose first finding names it. False alarms: of the
healthy runs, those warned of it. Beside another: of the runs with another illness, those warned of this one
as well, or instead; that may be true, but is not what ails the network first. A dash: none of the situations
has it; its sensitivity is then only checked by its unit tests.

| condition | sensitivity | false alarms | beside another |
|---|---|---|---|
"""


def report(results: Sequence[Result]) -> str:
    """The document."""
    parts = [_HEAD, _overall(results), _RULES, _SITUATIONS, *_situation_rows(results)]
    parts += [_HEALTHY, *_healthy_rows(results), _CONDITIONS, *_condition_rows(results), _misses(results)]
    return "".join(parts)


def _overall(results: Sequence[Result]) -> str:
    ill, healthy = ill_runs(results), healthy_runs(results)
    rows = {
        "illness named first (sensitivity)": Share.where(r.primary in r.truth for r in ill),
        "illness named first, and the verdict fits": Share.where(not r.mistakes for r in ill),
        "healthy network with an alarm (false alarms)": Share.where(bool(r.alarms) for r in healthy),
        "healthy network not called `healthy`": Share.where(r.verdict != "healthy" for r in healthy),
    }
    lines = "".join(f"| {name} | {share} |\n" for name, share in rows.items())
    return f"\n| | runs |\n|---|---|\n{lines}"


def _situation_rows(results: Sequence[Result]) -> Iterable[str]:
    for situation in SITUATIONS:
        truth, runs = situation.truth, _of(results, situation.name)
        names = " or ".join(sorted(truth.conditions)) or "healthy"
        right = Share.where(not run.mistakes for run in runs)
        yield f"| {situation.name} | {names} | {right} | {_otherwise(runs)} |\n"


def _healthy_rows(results: Sequence[Result]) -> Iterable[str]:
    listed = {situation.name for situation in SITUATIONS}
    names = dict.fromkeys(result.situation for result in results if result.situation not in listed)
    for name in names:
        runs = _of(results, name)
        right = Share.where(not run.mistakes for run in runs if run.counts)
        left_out = sum(not run.counts for run in runs)
        words = [_otherwise([run for run in runs if run.counts])]
        words += [f"{left_out} did not learn well and are left out"] if left_out else []
        yield f"| {name} | {right} | {'; '.join(word for word in words if word)} |\n"


def _condition_rows(results: Sequence[Result]) -> Iterable[str]:
    for name in CONDITIONS:
        if name not in {"healthy", "converged"}:
            shares = (measure(results, name) for measure in (sensitivity, false_alarms, beside_another))
            yield f"| {name} | {' | '.join(map(str, shares))} |\n"


def _misses(results: Sequence[Result]) -> str:
    wrong = [result for result in results if result.mistakes and result.counts]
    if not wrong:
        return "\n## Known misses\n\nNone in these runs.\n"
    lines = (f"- {r.situation}, seed {r.seed}: {'; '.join(r.mistakes)}\n" for r in wrong)
    return f"\n## Known misses\n\n{''.join(lines)}"


def _of(results: Sequence[Result], name: str) -> list[Result]:
    return [result for result in results if result.situation == name]


def _otherwise(runs: Sequence[Result]) -> str:
    """What the wrong runs said, and how often."""
    counted = Counter("; ".join(run.mistakes) for run in runs if run.mistakes)
    return "; ".join(f"{count}× {words}" for words, count in counted.items())
