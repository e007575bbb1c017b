"""What probing costs: an instrumented training step over a plain one.

    python -m benchmarks.probe_overhead [--steps 200] [--threads 1] [--device cpu]

The plain and the instrumented runs are interleaved step by step in one process, so that a busy machine slows
both. Process CPU time is the sounder measure on a shared machine; on a GPU the wall clock is, with the device
waited for after each block. Prints a Markdown table of ratios to the plain step: median, and in brackets that
of the fastest tenth (p10).
"""

import argparse
import statistics
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from service.contract.training_plan import ProbePlan, TrainingPlan
from workers.probes.recorder import Recorder
from workers.probes.schedule import Schedule
from workers.probes.trace import LayerInfo
from workers.training.clock import Clock
from workers.training.loop import Loop, Unwatched, Watcher
from workers.training.losses import loss_function
from workers.training.optimizers import build_optimizer
from workers.training.precision import Precision


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.layers(inputs)


class LastOfLSTM(nn.Module):
    def __init__(self, features: int, units: int, layers: int) -> None:
        super().__init__()
        self.cells = nn.Sequential(*(OneLSTM(features if i == 0 else units, units) for i in range(layers)))

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.cells(inputs)[:, -1]
        return outputs


class OneLSTM(nn.Module):
    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(features, units, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.cell(inputs)[0]
        return outputs


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.qkv = nn.Linear(width, 3 * width)
        self.out = nn.Linear(width, width)

    def forward(self, inputs: Tensor) -> Tensor:
        batch, length, width = inputs.shape
        q, k, v = self.qkv(inputs).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4)
        mixed = nn.functional.scaled_dot_product_attention(q, k, v)
        outputs: Tensor = self.out(mixed.transpose(1, 2).reshape(batch, length, width))
        return outputs


class MeanOverTime(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.mean(1)


def mlp(depth: int, width: int) -> nn.Module:
    hidden = [m for _ in range(depth) for m in (nn.Linear(width, width), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(width, 10))


def cnn() -> nn.Module:
    def block(channels: int, units: int) -> list[nn.Module]:
        return [nn.Conv2d(channels, units, 3, padding=1), nn.BatchNorm2d(units), nn.ReLU()]

    return nn.Sequential(
        *block(3, 32), *block(32, 32), nn.MaxPool2d(2), *block(32, 64), *block(64, 64), nn.MaxPool2d(2),
        nn.Flatten(), nn.Linear(64 * 16, 10),
    )  # fmt: skip


def transformer(width: int, blocks: int) -> nn.Module:
    layers: list[nn.Module] = []
    for _ in range(blocks):
        layers.append(Residual(nn.LayerNorm(width), SelfAttention(width, 4)))
        wide = [nn.LayerNorm(width), nn.Linear(width, 4 * width), nn.GELU(), nn.Linear(4 * width, width)]
        layers.append(Residual(*wide))
    return nn.Sequential(*layers, MeanOverTime(), nn.Linear(width, 10))


@dataclass(frozen=True)
class Case:
    name: str
    build: Callable[[], nn.Module]
    input_shape: tuple[int, ...]
    batch: int


CASES = [
    Case("MLP 12x128, batch 64", lambda: mlp(12, 128), (128,), 64),
    Case("MLP 8x512, batch 128", lambda: mlp(8, 512), (512,), 128),
    Case("CNN with BN, batch 32", cnn, (3, 16, 16), 32),
    Case("LSTM 128x2, 32 steps, batch 64",
         lambda: nn.Sequential(LastOfLSTM(128, 128, 2), nn.Linear(128, 10)), (32, 128), 64),
    Case("transformer 128x4, batch 32", lambda: transformer(128, 4), (16, 128), 32),
]  # fmt: skip

ACTIVATIONS = (nn.ReLU, nn.GELU)
INNER = (nn.LSTM,)


def measured_layers(network: nn.Module) -> tuple[LayerInfo, ...]:
    """What the service measures: each leaf, a recurrent or attention layer as one, and each residual
    block."""
    infos: list[LayerInfo] = []

    def visit(path: str, module: nn.Module) -> None:
        for name, child in module.named_children():
            inner = f"{path}.{name}".lstrip(".")
            whole = isinstance(child, OneLSTM | SelfAttention) or not any(True for _ in child.children())
            if not whole:
                visit(inner, child)
            if whole or isinstance(child, Residual):
                op = "activation" if isinstance(child, ACTIVATIONS) else type(child).__name__.lower()
                count = sum(p.numel() for p in child.parameters())
                infos.append(LayerInfo(inner, op, None, count, count > 0, True, ()))

    visit("", network)
    return tuple(infos)


class Run:
    """One training run that can be advanced step by step."""

    def __init__(self, case: Case, probe: ProbePlan | None, steps: int, device: torch.device) -> None:
        torch.manual_seed(0)
        self._device = device
        network = case.build().to(device)
        plan = TrainingPlan(steps=steps, learning_rate=0.01)
        self._inputs = torch.randn(case.batch, *case.input_shape, device=device)
        self._targets = torch.randint(10, (case.batch,), device=device)
        layers = measured_layers(network)
        self._watcher: Watcher = Unwatched()
        if probe is not None:
            schedule = Schedule.plan(probe, steps, len(layers))
            self._watcher = Recorder(network, layers, schedule, self._inputs, device)
        optimizer = build_optimizer(network, plan)
        loop = Loop(network, plan, optimizer, loss_function("cross_entropy"), Precision(plan, device))
        self._steps = loop.steps(self._batches(), self._watcher, Clock(device))
        self.cpu: list[float] = []
        self.wall: list[float] = []

    def step(self) -> None:
        cpu, wall = time.process_time(), time.perf_counter()
        next(self._steps)
        if self._device.type == "cuda":
            torch.cuda.synchronize()
        self.cpu.append(time.process_time() - cpu)
        self.wall.append(time.perf_counter() - wall)

    def _batches(self) -> Iterator[tuple[Tensor, Tensor]]:
        while True:
            yield self._inputs, self._targets


WAYS: dict[str, ProbePlan | None] = {
    "plain": None,
    "every step": ProbePlan(every=1),
    "every 4th": ProbePlan(every=4),
    "every 10th": ProbePlan(every=10),
    "auto": ProbePlan(),
}
WARM_UP = 24
"""Steps left out: the first flush, allocations, and the dense first steps of `auto`."""


def measure(case: Case, steps: int, device: torch.device) -> dict[str, Run]:
    runs = {way: Run(case, probe, steps + WARM_UP, device) for way, probe in WAYS.items()}
    for _ in range(steps + WARM_UP):
        for run in runs.values():
            run.step()
    return runs


def ratio(instrumented: list[float], plain: list[float]) -> str:
    """Of the mean over blocks of 16 steps, so that a flush counts: median block, and p10 in brackets."""

    def blocks(durations: list[float]) -> list[float]:
        durations = durations[WARM_UP:]
        return sorted(statistics.fmean(durations[i : i + 16]) for i in range(0, len(durations) - 15, 16))

    a, b = blocks(instrumented), blocks(plain)
    tenth = len(a) // 10
    return f"{statistics.median(a) / statistics.median(b):.2f} ({a[tenth] / b[tenth]:.2f})"


def table(measured: dict[str, dict[str, Run]], clock: str) -> str:
    ways = [way for way in WAYS if way != "plain"]
    lines = [f"| {clock} time | plain ms | {' | '.join(ways)} |", f"|{'---|' * (len(ways) + 2)}"]
    for name, runs in measured.items():
        plain = getattr(runs["plain"], clock)
        cells = [ratio(getattr(runs[way], clock), plain) for way in ways]
        lines.append(f"| {name} | {statistics.median(plain) * 1e3:.2f} | {' | '.join(cells)} |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--steps", type=int, default=320)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--only", default="", help="cases whose name contains this")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    cases = [case for case in CASES if arguments.only in case.name]
    measured = {case.name: measure(case, arguments.steps, torch.device(arguments.device)) for case in cases}
    for clock in ("cpu", "wall"):
        print(table(measured, clock), end="\n\n")


if __name__ == "__main__":
    main()
