"""Measures how often the diagnosis is right, and writes docs/accuracy.md: `python -m tests.science.accuracy`.

Runs the 24 look-alikes, the further illnesses, the second and third set, what a review found mistaken, and
the further healthy networks over several seeds, as jobs would run.
"""

import argparse
import os
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import torch

from service.contract.diagnosis import Diagnosis
from tests.science.accuracy_report import report
from tests.science.situations.counting import Result
from tests.science.situations.healthy import HEALTHY, LEARNED_WELL
from tests.science.situations.look_alikes import LOOK_ALIKES
from tests.science.situations.more_illnesses import LONG, LONG_SEEDS, MORE_ILLNESSES
from tests.science.situations.reviewed import REVIEWED
from tests.science.situations.second_set import SECOND_SET
from tests.science.situations.table import SITUATIONS
from tests.science.situations.third_set import THIRD_SET

DOCUMENT = Path(__file__).parents[2] / "docs" / "accuracy.md"
SEEDS = 5
HEALTHY_SEEDS = 2


LATER_SETS = (*SECOND_SET, *THIRD_SET, *REVIEWED)
JUDGED_BY_TRUTH = (*SITUATIONS, *MORE_ILLNESSES, *LATER_SETS)
JUDGED_BY_LEARNING = (*HEALTHY, *LOOK_ALIKES)
"""They count only if they learned well."""
ALL = (*SITUATIONS, *MORE_ILLNESSES, *JUDGED_BY_LEARNING, *LATER_SETS)


def run(number: int, seed: int) -> Result:
    """Run one situation, by its number in `ALL`."""
    situation = ALL[number]
    diagnosis = situation.build(seed).diagnose()
    counts = situation in JUDGED_BY_TRUTH or learned_well(diagnosis)
    return Result.of(situation, seed, diagnosis, counts=counts)


def learned_well(diagnosis: Diagnosis) -> bool:
    """Whether it ended more than `LEARNED_WELL` of the way from chance to a perfect score."""
    outcome = diagnosis.outcome
    if outcome.value is None or outcome.chance is None:
        return False
    perfect = 1.0 if outcome.metric == "accuracy" else 0.0
    return (outcome.value - outcome.chance) / (perfect - outcome.chance) > LEARNED_WELL


def results(seeds: int, healthy_seeds: int, processes: int) -> list[Result]:
    """Of all runs, in the order of the tables."""
    few = {*LONG, *(situation.name for situation in LATER_SETS)}
    healthy = {situation.name for situation in HEALTHY}
    wanted = [
        min(seeds, LONG_SEEDS) if s.name in few else healthy_seeds if s.name in healthy else seeds
        for s in ALL
    ]
    runs = [(n, seed) for n, count in enumerate(wanted) for seed in range(count)]
    numbers, run_seeds = zip(*runs, strict=True)
    os.environ["OMP_WAIT_POLICY"] = "PASSIVE"
    context = get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=torch.set_num_threads, initargs=(1,)) as pool:
        return list(_progress(pool.map(run, numbers, run_seeds), len(runs)))


def _progress(done: Iterable[Result], total: int) -> Iterable[Result]:
    for count, result in enumerate(done, 1):
        words = "; ".join(result.mistakes) or "right"
        print(f"{count}/{total} {result.situation}, seed {result.seed}: {words}", flush=True)
        yield result


def main(arguments: Sequence[str] | None = None) -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="of each situation")
    parser.add_argument("--healthy-seeds", type=int, default=HEALTHY_SEEDS, help="of healthy.py's networks")
    parser.add_argument("--processes", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--output", type=Path, default=DOCUMENT)
    given = parser.parse_args(arguments)
    measured = results(given.seeds, given.healthy_seeds, given.processes)
    given.output.write_text(report(measured), encoding="utf-8")


if __name__ == "__main__":
    main()
