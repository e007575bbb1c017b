"""A diagnosis with `auto` remedies over the same trainings in a bare loop, and what a second worker brings.

    python -m benchmarks.remedies [--steps 200] [--rounds 3]

The bare loop makes each training that the job made (its own, all searches for a learning rate, all seeds of
all trials, the network that is kept), from the same seeds, one after the other in one process that has
everything imported: no service, no queue, no children, no probes, no diagnosis. Workers and bare loop use one
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
from pathlib import Path
from typing import Any

from benchmarks.job_latency import call
from benchmarks.serving import clinic
from service.contract.job import JobRequest
from workers.isolation.environment import DEFAULT_VARIABLES

EXAMPLE = Path(__file__).parents[1] / "examples" / "cure.json"
FINAL = {"succeeded", "failed", "cancelled"}


def cure(address: str, request: dict[str, Any]) -> tuple[float, dict[str, Any]]:
    """Seconds from POST to the diagnosis with its prescription, and the job. Raises RuntimeError."""
    began = time.perf_counter()
    job = call(f"{address}/v1/jobs", json.dumps(request).encode())
    while job["status"] not in FINAL:
        time.sleep(0.05)
        job = call(f"{address}/v1/jobs/{job['id']}")
    if job["status"] != "succeeded":
        raise RuntimeError(job["error"])
    return time.perf_counter() - began, job


def trainings(request: dict[str, Any], diagnosis: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """A request for each training that the job made, in the order of the trials."""
    yield request
    for trial in diagnosis["trials"]:
        for run in trial["runs"]:
            seed, rate = run["seed"], run["learning_rate"]
            yield _changed(request, trial["change"], seed=seed, learning_rate=rate)
    if (prescription := diagnosis["prescription"]) is not None:
        yield _changed(request, prescription["change"])


def _changed(request: dict[str, Any], change: dict[str, Any], **training: Any) -> dict[str, Any]:
    kept = {name: change[name] for name in ("model", "data")}
    return request | kept | {"training": change["training"] | training}


def bare_loop(requests: list[dict[str, Any]], folder: Path) -> float:
    """Seconds of all trainings in a process of its own, without its imports."""
    (folder / "trainings.json").write_text(json.dumps(requests), encoding="utf-8")
    command = [sys.executable, "-m", "benchmarks.remedies", "--replay", str(folder / "trainings.json")]
    environment = DEFAULT_VARIABLES | dict(os.environ) | {"OMP_NUM_THREADS": "1"}
    return float(subprocess.run(command, env=environment, check=True, capture_output=True, text=True).stdout)


def replay(file: Path) -> float:
    """Make the trainings; seconds."""
    import torch

    import workers.warm  # noqa: F401 - all that a worker has imported
    from workers.preparation import prepare
    from workers.training.bare import train_bare

    torch.set_num_threads(1)
    requests = [JobRequest.model_validate(document) for document in json.loads(file.read_text("utf-8"))]
    began = time.perf_counter()
    for request in requests:
        subject = prepare(request)
        train_bare(
            subject.network, subject.layers, subject.dataset, request.training, subject.loss,
            torch.device("cpu"), _unheard, training_mode=subject.training_mode,
        )  # fmt: skip
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
    os.environ["GRADIENT_CLINIC_THREADS"] = "1"
    rows = []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        one = stack.enter_context(clinic(folder / "one", workers=1))
        two = stack.enter_context(clinic(folder / "two", workers=2))
        for number in range(given.rounds):
            alone, job = cure(one, request)
            together, _ = cure(two, request)
            made = list(trainings(request, job["diagnosis"]))
            rows.append((bare_loop(made, folder), alone, together))
            print(f"round {number + 1}: {[round(seconds, 1) for seconds in rows[-1]]}", flush=True)
    bare, alone, together = (statistics.median(column) for column in zip(*rows, strict=True))
    tried = len(job["diagnosis"]["trials"])
    print(f"\n{tried} trials, {len(made)} trainings of {given.steps} steps; {given.rounds} rounds, median\n")
    print("| | seconds | over the bare loop |\n|---|---|---|")
    print(f"| bare loop | {bare:.1f} | 1 |")
    print(f"| job, 1 worker | {alone:.1f} | {statistics.median(r[1] / r[0] for r in rows):.2f} |")
    print(f"| job, 2 workers | {together:.1f} | {statistics.median(r[2] / r[0] for r in rows):.2f} |")
    print(f"\nspeed-up with 2 workers: {statistics.median(r[1] / r[2] for r in rows):.2f}")


if __name__ == "__main__":
    main()
