"""From POST to the diagnosis, over the same training in a bare loop.

    python -m benchmarks.job_latency

The bare loop is the article's network written by hand in PyTorch, in a process that has everything
imported and has the same settings of allocator and threads: no queue, no child process, no probes.
Rounds alternate.
"""

import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.serving import clinic, diagnosed
from workers.isolation.environment import DEFAULT_VARIABLES

ROUNDS = 7
EXAMPLE = Path(__file__).parents[1] / "examples" / "article.json"
BARE = """
import time
import torch
from sklearn.datasets import load_digits

def train():
    torch.manual_seed(0)
    digits = load_digits()
    inputs = torch.tensor(digits.data, dtype=torch.float32) / 16
    targets = torch.tensor(digits.target)
    layers, width = [], 64
    for _ in range(20):
        layers += [torch.nn.Linear(64, width), torch.nn.Sigmoid()]
    network = torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))
    optimizer = torch.optim.SGD(network.parameters(), 0.05)
    for _ in range(200):
        batch = torch.randint(len(inputs), (64,))
        optimizer.zero_grad()
        torch.nn.functional.cross_entropy(network(inputs[batch]), targets[batch]).backward()
        optimizer.step()

train()
print("ready", flush=True)
for _ in iter(input, "end"):
    began = time.perf_counter()
    train()
    print(time.perf_counter() - began, flush=True)
"""


class Bare:
    """The bare loop in a process of its own, warm."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-c", BARE],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env=DEFAULT_VARIABLES | dict(os.environ),
        )
        self._answer()

    def seconds(self) -> float:
        """Duration of one whole training."""
        assert self._process.stdin is not None
        self._process.stdin.write("go\n")
        self._process.stdin.flush()
        return float(self._answer())

    def end(self) -> None:
        self._process.communicate("end\n")

    def _answer(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()


def one_job(address: str) -> tuple[float, float]:
    """Seconds from POST to the diagnosis, and in the training loop."""
    seconds, job = diagnosed(address, EXAMPLE.read_bytes())
    return seconds, job["diagnosis"]["runtime"]["seconds"]


def main() -> None:
    bare = Bare()
    with tempfile.TemporaryDirectory() as folder, clinic(Path(folder)) as address:
        diagnosed(address, EXAMPLE.read_bytes())
        rounds = [(*one_job(address), bare.seconds()) for _ in range(ROUNDS)]
    bare.end()
    total, training, plain = (statistics.median(column) for column in zip(*rounds, strict=True))
    ratio = statistics.median(row[0] / row[2] for row in rounds)
    print(f"\nthe article's job, 200 steps, median of {ROUNDS} rounds\n")
    print("| | seconds | over the bare loop |\n|---|---|---|")
    print(f"| bare loop: data, network, 200 steps | {plain:.2f} | 1 |")
    print(f"| training loop with probes | {training:.2f} | {training / plain:.2f} |")
    print(f"| POST to diagnosis | {total:.2f} | {ratio:.2f} |")


if __name__ == "__main__":
    main()
