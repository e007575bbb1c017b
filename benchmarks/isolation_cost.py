"""What a job's isolation costs: milliseconds per job, layer by layer, and steps per second while it trains.

    python -m benchmarks.isolation_cost

Each number is from a fork of a process that has imported what a job needs, to the end of a child that does
nothing else: the time that passes, and the processor time of parent and child. Rounds alternate, so that a
busy machine slows all of them alike.
"""

import gc
import json
import os
import signal
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import workers.warm  # noqa: F401 - what a zygote has imported
from tests.faults.entries import healthy
from workers.isolation.child import REQUEST_FILE, ChildSpec
from workers.isolation.confinement.confine import confine
from workers.isolation.confinement.policy import PROTECTIONS, Policy
from workers.isolation.limits import MIB, ChildLimits
from workers.isolation.process import Zygote
from workers.isolation.watch import Succeeded, Watch

ROUNDS = 60
WARM_UP = 5
TRAININGS = 9
LIMITS = ChildLimits(wall_seconds=60, memory_bytes=2048 * MIB, threads=1)
NOTHING = Policy(protections=frozenset())
TRAIN = "benchmarks.isolation_cost:train"


def cost_of_child(work: Callable[[], None]) -> tuple[float, float]:
    """From the fork to the end of a child that does this: seconds that pass, and of processor time."""
    began, processor_began = time.perf_counter(), time.process_time()
    pid = os.fork()
    if pid == 0:
        try:
            work()
        finally:
            os._exit(0)
    used = os.wait4(pid, 0)[2]
    processor = time.process_time() - processor_began + used.ru_utime + used.ru_stime
    return time.perf_counter() - began, processor


def steps(parent: int, scratch: Path) -> dict[str, Callable[[], None]]:
    def limited() -> None:
        LIMITS.apply()

    def confined(policy: Policy) -> Callable[[], None]:
        def work() -> None:
            LIMITS.apply()
            confine(policy, scratch, parent)

        return work

    layers = {
        f"fork, limits, {protection}": confined(Policy.model_validate({"protections": [protection]}))
        for protection in PROTECTIONS
    }
    return {
        "fork": lambda: None,
        "fork, limits": limited,
        "fork, limits, no protection": confined(NOTHING),
        **layers,
        "fork, limits, all protections": confined(Policy()),
    }


def layer_table(scratch: Path) -> None:
    gc.collect()
    gc.freeze()  # as the zygote does
    measured: dict[str, list[tuple[float, float]]] = {}
    for _ in range(ROUNDS + WARM_UP):
        for name, work in steps(os.getpid(), scratch).items():
            measured.setdefault(name, []).append(cost_of_child(work))
    medians = {name: medians_in_ms(rounds[WARM_UP:]) for name, rounds in measured.items()}
    print(f"\nmedian of {ROUNDS} alternating rounds\n")
    print("| | ms | over a fork | processor ms | over a fork |\n|---|---|---|---|---|")
    for name, (wall, processor) in medians.items():
        wall_ratio, processor_ratio = wall / medians["fork"][0], processor / medians["fork"][1]
        print(f"| {name} | {wall:.1f} | {wall_ratio:.2f} | {processor:.1f} | {processor_ratio:.2f} |")


def medians_in_ms(rounds: list[tuple[float, float]]) -> tuple[float, ...]:
    return tuple(statistics.median(column) * 1000 for column in zip(*rounds, strict=True))


def train(spec: ChildSpec, _report: Any) -> Any:
    """An entry: 300 steps of a small network; the seconds go into the diagnosis's metadata."""
    torch.set_num_threads(spec.limits.threads)
    torch.manual_seed(0)
    layers = [layer for _ in range(8) for layer in (torch.nn.Linear(128, 128), torch.nn.ReLU())]
    network = torch.nn.Sequential(*layers)
    optimizer = torch.optim.SGD(network.parameters(), 0.01)
    inputs = torch.randn(64, 128)
    began = time.perf_counter()
    for _ in range(300):
        optimizer.zero_grad()
        network(inputs).square().mean().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    return healthy().model_copy(update={"metadata": {"seconds": time.perf_counter() - began}})


def seconds_of_training(zygote: Zygote, policy: Policy) -> tuple[float, float]:
    """Of a whole job (from asking for its process to its result), and of its training."""
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        (scratch / REQUEST_FILE).write_text(json.dumps({}))
        spec = ChildSpec(entry=TRAIN, scratch=scratch, limits=LIMITS, confinement=policy)
        began = time.perf_counter()
        with zygote.spawn(spec) as child:
            ending = Watch(child, LIMITS, 60.0).follow(lambda _: None)
        whole = time.perf_counter() - began
    if not isinstance(ending, Succeeded):
        raise RuntimeError(ending)
    return whole, float(ending.diagnosis.metadata["seconds"])


def training_table() -> None:
    zygote = Zygote(["workers.warm", "benchmarks.isolation_cost"])
    policies = {"no protection": NOTHING, "all protections": Policy()}
    measured: dict[str, list[tuple[float, float]]] = {name: [] for name in policies}
    try:
        for _ in range(TRAININGS + 1):
            for name, policy in policies.items():
                measured[name].append(seconds_of_training(zygote, policy))
    finally:
        zygote.close()
    print(f"\na job of 300 small steps, median of {TRAININGS} alternating rounds\n")
    print("| | whole job, ms | training, ms |\n|---|---|---|")
    for name, rounds in measured.items():
        whole, training = medians_in_ms(rounds[1:])
        print(f"| {name} | {whole:.0f} | {training:.0f} |")
    pairs = zip(measured["all protections"][1:], measured["no protection"][1:], strict=True)
    ratios = [(a[0] / b[0], a[1] / b[1]) for a, b in pairs]
    whole, training = (statistics.median(column) for column in zip(*ratios, strict=True))
    print(f"| ratio | {whole:.2f} | {training:.2f} |")


def main() -> None:
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    with tempfile.TemporaryDirectory() as folder:
        layer_table(Path(folder))
    training_table()


if __name__ == "__main__":
    main()
