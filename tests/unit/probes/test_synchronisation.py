"""Nothing in a step waits for the device; a flush does, once."""

from collections.abc import Iterator
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from service.contract.training_plan import ProbePlan, TrainingPlan
from tests.unit.probes.networks import NETWORKS, TinyData, layer_infos, seeded
from workers.probes import capture
from workers.probes.arena import Arena, HostArena
from workers.probes.recorder import FULL_ROWS, Recorder
from workers.probes.schedule import Schedule
from workers.training import train_and_probe
from workers.training.batches import Batches
from workers.training.clock import Clock
from workers.training.loop import Loop
from workers.training.losses import loss_function
from workers.training.optimizers import build_optimizer
from workers.training.precision import Precision

needs_gpu = pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
KEPT = pytest.mark.parametrize("kept_bytes", [2**40, -1], ids=["kept", "hooked"])


def recorded_steps(name: str, device: torch.device, precision: str = "float32") -> Iterator[Tensor]:
    """A run that measures every step in full; each `next` makes one."""
    build, shape = NETWORKS[name]
    network, data = seeded(build).to(device), TinyData.of(shape)
    plan = TrainingPlan.model_validate({"steps": 100, "batch_size": 32, "precision": precision})
    layers = layer_infos(network)
    batches = Batches(data.train_inputs, data.train_targets, 32, 0, device)
    schedule = Schedule.plan(ProbePlan(every=1), 100, len(layers))
    recorder = Recorder(network, layers, schedule, batches.first_inputs(), device)
    optimizer = build_optimizer(network, plan)
    loop = Loop(network, plan, optimizer, loss_function("cross_entropy"), Precision(plan, device))
    return loop.steps(iter(batches), recorder, Clock(device))


class _Reads(TorchDispatchMode):
    """Counts the operation behind `.item()`, `float()` and `bool()` of a tensor."""

    count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += func is torch.ops.aten._local_scalar_dense.default
        return func(*args, **(kwargs or {}))


@KEPT
@pytest.mark.parametrize("name", ["mlp", "cnn", "residual", "transformer"])
def test_no_step_reads_a_tensor(name: str, kept_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "KEPT_BYTES", {"cpu": kept_bytes})
    steps = recorded_steps(name, torch.device("cpu"))
    next(steps)
    with _Reads() as reads:
        for _ in range(FULL_ROWS):  # up to and including a flush
            next(steps)
        torch.ones(1).item()
    assert reads.count == 1  # our own, which shows that they are counted


def test_the_host_is_filled_once_a_flush(monkeypatch: pytest.MonkeyPatch) -> None:
    fetched = 0
    original = Arena.fetch

    def fetch(arena: Arena) -> HostArena:
        nonlocal fetched
        fetched += 1
        return original(arena)

    monkeypatch.setattr(Arena, "fetch", fetch)
    steps = recorded_steps("mlp", torch.device("cpu"))
    next(steps)
    assert fetched == 2  # the initial weights, and the first step
    for _ in range(3 * FULL_ROWS):
        next(steps)
    assert fetched == 5


@pytest.mark.gpu
@needs_gpu
@KEPT
@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
@pytest.mark.parametrize("name", ["mlp", "cnn", "residual", "lstm", "transformer"])
def test_no_step_waits_for_the_gpu(
    name: str, precision: str, kept_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "KEPT_BYTES", {"cuda": kept_bytes, "cpu": 0})
    steps = recorded_steps(name, torch.device("cuda", 0), precision)
    next(steps)
    torch.cuda.set_sync_debug_mode("error")
    try:
        for _ in range(FULL_ROWS - 1):  # all but the one that flushes
            next(steps)
    finally:
        torch.cuda.set_sync_debug_mode("default")


@pytest.mark.gpu
@needs_gpu
@pytest.mark.parametrize("name", NETWORKS)
def test_a_gpu_measures_what_a_cpu_measures(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.backends.cuda.matmul, "allow_tf32", False)
    monkeypatch.setattr(torch.backends.cudnn, "allow_tf32", False)
    build, shape = NETWORKS[name]
    traces = []
    for device in (torch.device("cpu"), torch.device("cuda", 0)):
        network = seeded(build).eval()
        for module in network.modules():
            if isinstance(module, torch.nn.Dropout):
                module.p = 0.0  # masks differ between devices
        plan, probe = TrainingPlan(steps=3), ProbePlan(every=1)
        layers, data = layer_infos(network), TinyData.of(shape)
        traces.append(
            train_and_probe(network, layers, data, plan, probe, "cross_entropy", device, lambda *_: None)
        )
    on_cpu, on_gpu = traces
    for quantity in (
        "activation.norm",
        "backpropagated.norm",
        "backward.gain",
        "gradient.norm",
        "weight.std",
    ):
        torch.testing.assert_close(
            torch.from_numpy(on_gpu.series[quantity].values),
            torch.from_numpy(on_cpu.series[quantity].values),
            rtol=2e-3, atol=1e-7, equal_nan=True,
        )  # fmt: skip
