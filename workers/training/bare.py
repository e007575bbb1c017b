"""A training run that nobody watches: for comparing learning rates."""

import math
import time
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from service.contract.training_plan import TrainingPlan
from workers.probes.trace import LayerInfo
from workers.training.adaptation import adapt
from workers.training.batches import Batches
from workers.training.clock import Clock
from workers.training.data import TrainingData
from workers.training.evaluation import Evaluator
from workers.training.loop import REPORT_SECONDS, Loop, Report, Unwatched
from workers.training.losses import loss_function
from workers.training.optimizers import build_optimizer
from workers.training.precision import Precision

LAST_STEPS = 20
"""The loss at the end is the mean of as many steps, or of a tenth of a shorter run's."""


@dataclass(frozen=True)
class BareRun:
    """What a run came to."""

    loss: float
    """Mean training loss of the last steps; NaN if one was not finite."""
    metric: float
    """Held-out accuracy or mean squared error; NaN if an output was not finite."""


def train_bare(
    network: nn.Module,
    layers: Sequence[LayerInfo],
    dataset: TrainingData,
    training: TrainingPlan,
    loss: str,
    device: torch.device,
    report: Report,
    *,
    training_mode: bool = True,
) -> BareRun:
    """Train `network` in place and say what it came to: the same, bit by bit, as `train_and_probe`."""
    network.to(device).train(training_mode)
    adapt(network, layers, dataset, training, loss, device, report)
    torch.manual_seed(training.seed)
    precision = Precision(training, device)
    batches = Batches(dataset.train_inputs, dataset.train_targets, training.batch_size, training.seed, device)
    loop = Loop(network, training, build_optimizer(network, training), loss_function(loss), precision)
    losses = _Losses(report, training.steps)
    for value in loop.steps(iter(batches), Unwatched(), Clock(device)):
        if not losses.take(value):
            return BareRun(math.nan, math.nan)
    metric = Evaluator(dataset, precision, device, training.seed).held_out(network)
    return BareRun(losses.end(), metric)


class _Losses:
    """The losses of a run. They stay on the device, but for a look now and then."""

    def __init__(self, report: Report, steps: int) -> None:
        self._report = report
        self._last: deque[Tensor] = deque(maxlen=max(1, min(LAST_STEPS, steps // 10)))
        self._done = 0
        self._looked_at = time.monotonic()

    def take(self, loss: Tensor) -> bool:
        """False once a loss is not finite."""
        self._last.append(loss.detach())
        self._done += 1
        if time.monotonic() - self._looked_at < REPORT_SECONDS:
            return True
        self._looked_at = time.monotonic()
        value = float(loss.detach())
        self._report(self._done, value if math.isfinite(value) else None)
        return math.isfinite(value)

    def end(self) -> float:
        return float(torch.stack(list(self._last)).double().mean())
