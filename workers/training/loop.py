"""The plain training loop, and the moments at which it can be watched."""

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor, nn

from service.contract.training_plan import TrainingPlan
from workers.training.clock import Clock
from workers.training.losses import Loss
from workers.training.precision import Precision

REPORT_SECONDS = 0.5
"""Least time between two reports; a report waits for the device."""

Report = Callable[[int, float | None], None]
"""Called with the steps done and the latest loss (None if not finite or not known); may raise to abort."""


class Watcher(Protocol):
    """Watches the steps of a run. It changes nothing: see `workers.probes.recorder.Recorder`."""

    def step_begins(self, step: int, compute_loss: Callable[[], Tensor], scale: Tensor | None) -> None: ...

    def backward(self, loss: Tensor) -> None: ...

    def gradients_ready(self, step: int, loss: Tensor, scale: Tensor | None) -> None: ...

    def step_ends(self, step: int) -> None: ...

    @property
    def diverged(self) -> bool: ...


class Unwatched:
    """Watches nothing: the bare loop."""

    diverged = False

    def step_begins(self, step: int, compute_loss: Callable[[], Tensor], scale: Tensor | None) -> None:
        """Nothing to do."""

    def backward(self, loss: Tensor) -> None:
        loss.backward()  # type: ignore[no-untyped-call]

    def gradients_ready(self, step: int, loss: Tensor, scale: Tensor | None) -> None:
        """Nothing to do."""

    def step_ends(self, step: int) -> None:
        """Nothing to do."""


@dataclass(frozen=True)
class Loop:
    """Trains a network: forward and backward pass, clipping, optimizer."""

    network: nn.Module
    plan: TrainingPlan
    optimizer: torch.optim.Optimizer
    loss: Loss
    precision: Precision

    def run(
        self, batches: Iterator[tuple[Tensor, Tensor]], watcher: Watcher, report: Report, clock: Clock
    ) -> None:
        """Make the planned steps, fewer if the watcher finds that the loss is not finite any more. For 0
        steps, one forward and backward pass without an update."""
        reporter = _Reporter(report)
        for step, loss in enumerate(self.steps(batches, watcher, clock)):
            finite = reporter.step_done(step + 1 if self.plan.steps else 0, loss)
            if watcher.diverged or not finite:
                break

    def steps(
        self, batches: Iterator[tuple[Tensor, Tensor]], watcher: Watcher, clock: Clock
    ) -> Iterator[Tensor]:
        """Each planned step when it is asked for, in the mode that the network is in; gives its loss."""
        for step in range(max(self.plan.steps, 1)):
            yield self._step(step, next(batches), watcher, clock)

    def _step(
        self,
        step: int,
        batch: tuple[Tensor, Tensor],
        watcher: Watcher,
        clock: Clock,
    ) -> Tensor:
        clock.mark()
        scale = self.precision.scale()
        watcher.step_begins(step, lambda: self._compute_loss(*batch), scale)
        self.optimizer.zero_grad(set_to_none=True)
        loss = self._compute_loss(*batch)
        watcher.backward(loss if scale is None else loss * scale)
        if self.precision.scaler is not None:
            self.precision.scaler.unscale_(self.optimizer)
        clock.mark()
        watcher.gradients_ready(step, loss, scale)
        clock.mark()
        if self.plan.steps:
            self._update()
        clock.mark()
        watcher.step_ends(step)
        clock.mark()
        return loss

    def _compute_loss(self, inputs: Tensor, targets: Tensor) -> Tensor:
        with self.precision.autocast():
            outputs = self.network(inputs)
        return self.loss(outputs, targets)

    def _update(self) -> None:
        if self.plan.clip_grad_norm is not None:
            torch.nn.utils.clip_grad_norm_(self.network.parameters(), self.plan.clip_grad_norm)
        scaler = self.precision.scaler
        if scaler is None:
            self.optimizer.step()
        else:
            scaler.step(self.optimizer)
            scaler.update()


class _Reporter:
    """Passes progress on, not too often."""

    def __init__(self, report: Report) -> None:
        self._report = report
        self._report(0, None)
        self._last = time.monotonic()

    def step_done(self, done: int, loss: Tensor) -> bool:
        """False if the loss was looked at and is not finite."""
        now = time.monotonic()
        if now - self._last < REPORT_SECONDS:
            return True
        self._last = now
        value = float(loss.detach())
        self._report(done, value if math.isfinite(value) else None)
        return math.isfinite(value)
