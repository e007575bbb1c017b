"""A diagnosis with `auto` remedies over the same trainings in a loop, and what a second worker brings.

    python -m benchmarks.remedies [--steps 200] [--rounds 3]

The bare loop makes each training that the job made (its own, all searches for a learning rate, all seeds of
all trials, the network that is kept), from the same seeds, one after the other in one process that has
everything imported: no service, no queue, no children, no probes, no diagnosis. The measuring loop probes and
diagnoses those that the job did, and so shows what the service costs by itself. Workers and loops use one
thread each, so that two workers do not share what one has alone. Rounds alternate.
"""

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.serving import clinic, diagnosed
from service.contract.job import JobRequest
from workers.isolation.environment import DEFAULT_VARIABLES

EXAMPLE = Path(__file__).parents[1] / "examples" / "cure.json"


@dataclass(frozen=True)
class Training:
    """One training that a job made."""

    request: dict[str, Any]
    measured: bool
    """Whether it was probed and diagnosed."""


def trainings(request: dict[str, Any], diagnosis: dict[str, Any]) -> Iterator[Training]:
    """All of a job, in the order of the trials."""
    yield Training(request, measured=True)
    for trial in diagnosis["trials"]:
        for run in trial["runs"]:
            changed = _changed(request, trial["change"], seed=run["seed"], learning_rate=run["learning_rate"])
            yield Training(changed, measured=run["findings"] is not None)
    if (prescription := diagnosis["prescription"]) is not None:
        yield Training(_changed(request, prescription["change"]), measured=True)


def _changed(request: dict[str, Any], change: dict[str, Any], **training: Any) -> dict[str, Any]:
    kept = {name: change[name] for name in ("model", "data")}
    return request | kept | {"training": change["training"] | training}


def loop(made: list[Training], folder: Path, *, bare: bool) -> float:
    """Seconds of all trainings in a process of its own, without its imports."""
    told = [{"request": each.request, "measured": each.measured and not bare} for each in made]
    (folder / "trainings.json").write_text(json.dumps(told), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.remedies", "--replay", str(folder / "trainings.json")]
    environment = DEFAULT_VARIABLES | dict(os.environ) | {"OMP_NUM_THREADS": "1"}
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def replay(file: Path) -> float:
    """Make the trainings; seconds."""
    import torch

    import workers.warm  # noqa: F401 - all that a worker has imported
    from workers.diagnosis import diagnose
    from workers.preparation import prepare
    from workers.training import train_and_probe
    from workers.training.bare import train_bare

    torch.set_num_threads(1)
    device = torch.device("cpu")
    told = json.loads(file.read_text("utf-8"))
    requests = [(JobRequest.model_validate(each["request"]), each["measured"]) for each in told]
    began = time.perf_counter()
    for request, measured in requests:
        subject = prepare(request)
        network = (subject.network, subject.layers, subject.dataset, request.training)
        if measured:
            trace = train_and_probe(
                *network, request.probe, subject.loss, device, _unheard, training_mode=subject.training_mode
            )
            diagnose(trace, service_version="")
        else:
            train_bare(*network, subject.loss, device, _unheard, training_mode=subject.training_mode)
    return time.perf_counter() - began


def _unheard(_step: int, _loss: float | None) -> None:
    pass


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=200, help="of each training")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--replay", type=Path, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.replay:
        print(replay(given.replay))
        return

    request = json.loads(EXAMPLE.read_text("utf-8"))
    request["training"]["steps"] = given.steps
    posted = json.dumps(request).encode()
    os.environ["GRADIENT_CLINIC_THREADS"] = "1"
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        one = stack.enter_context(clinic(folder / "one", workers=1))
        two = stack.enter_context(clinic(folder / "two", workers=2))
        for number in range(given.rounds):
            alone, job = diagnosed(one, posted)
            together, _ = diagnosed(two, posted)
            made = list(trainings(request, job["diagnosis"]))
            loops = (loop(made, folder, bare=True), loop(made, folder, bare=False))
            rows.append((*loops, alone, together))
            print(f"round {number + 1}: {[round(seconds, 1) for seconds in rows[-1]]}", flush=True)
    tried = len(job["diagnosis"]["trials"])
    print(f"\n{tried} trials, {len(made)} trainings of {given.steps} steps; {given.rounds} rounds, median\n")
    print("| | seconds | over the bare loop | over the measuring loop |\n|---|---|---|---|")
    for place, name in enumerate(("bare loop", "measuring loop", "job, 1 worker", "job, 2 workers")):
        seconds, *ratios = (
            statistics.median(row[place] / over for row, over in zip(rows, column, strict=True))
            for column in ([1.0] * len(rows), [row[0] for row in rows], [row[1] for row in rows])
        )
        print(f"| {name} | {seconds:.1f} | {ratios[0]:.2f} | {ratios[1]:.2f} |")
    print(f"\nspeed-up with 2 workers: {statistics.median(row[2] / row[3] for row in rows):.2f}")


if __name__ == "__main__":
    main()
