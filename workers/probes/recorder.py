"""The recorder: watches a training run and collects every quantity in one place.

Inside a step it only starts work on the device: norms and small samples are written into a preallocated ring.
When the ring is full, one copy brings it to the host, and everything else is computed there from it.
"""

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from workers.probes.arena import Arena
from workers.probes.capture import TapLog, choose_capture
from workers.probes.digest import Digest, FullRows, StepRows
from workers.probes.ledger.measured import LedgerTrace
from workers.probes.ledger.recording import LedgerLog
from workers.probes.norms import NormLog
from workers.probes.parameters import LayerWeights
from workers.probes.quantities.through_time import ThroughTime
from workers.probes.samples import Layout, SampleBlock, SampleLog
from workers.probes.schedule import Schedule
from workers.probes.survey import survey
from workers.probes.trace import FloatArray, LayerInfo, Series, TimeProfile

STEP_ROWS = 128
"""Most steps between two flushes. A flush has a fixed cost of some milliseconds."""

FULL_ROWS = 32
"""Most full measurements between two flushes; beyond, the samples outgrow the cache."""


class Recorder:
    """Records one run. Called by the training loop, in this order, for each step:
    `step_begins`, (forward pass), `backward`, `gradients_ready`, (optimizer), `step_ends`; at last `finish`.

    It changes nothing: the same run without it ends with the same weights, bit by bit.
    """

    def __init__(
        self,
        network: nn.Module,
        layers: Sequence[LayerInfo],
        schedule: Schedule,
        inputs: Tensor,
        device: torch.device,
    ) -> None:
        """`inputs` is a batch of the size that will be trained on, on `device`."""
        self._schedule = schedule
        found = survey(network, layers, inputs)
        self._weights = LayerWeights.of(network, layers)
        self._weight_tensors = [self._weights.parameters[n] for n in self._weights.flat_members]
        self._allocate(found.entries, device)
        self._capture = choose_capture(found, self._weights.parameters, self._taps, device.type)
        recurrent = {
            layer.name: module
            for layer, module in zip(layers, found.modules, strict=True)
            if hasattr(module, "time_tap")
        }
        self._through_time = ThroughTime(network, recurrent)
        self._ledger = LedgerLog(network, layers, found)
        self._digest = Digest(layers, found, self._weights, self._initial_samples(), schedule)
        self._steps: list[int] = []
        self._full_steps: list[int] = []
        self._full = False

    def step_begins(self, step: int, compute_loss: Callable[[], Tensor], scale: Tensor | None) -> None:
        """Before the forward pass. `compute_loss` runs one on the step's batch, where it is needed beside
        it."""
        if step in self._schedule.through_time:
            self._through_time.measure(step, compute_loss, scale)
        if step in self._schedule.ledger:
            self._ledger.measure(step, compute_loss, scale)
        self._full = step in self._schedule.full
        if self._full:
            self._capture.attach()
        else:
            self._capture.detach()

    def backward(self, loss: Tensor) -> None:
        """Instead of `loss.backward()`: leaves the same gradients in the parameters."""
        if self._full:
            self._capture.backward(loss)
        else:
            loss.backward()  # type: ignore[no-untyped-call]

    @torch.no_grad()
    def gradients_ready(self, step: int, loss: Tensor, scale: Tensor | None) -> None:
        """After the backward pass, before clipping. Parameter gradients are unscaled by now, those of
        activations still carry the loss scale. `loss` is not scaled."""
        row = len(self._steps)
        gradients = [p.grad for p in self._weights.parameters]
        self._gradient_norms.write(row, gradients)
        self._scalars[row, 0].copy_(loss.detach())
        if scale is not None:
            self._scalars[row, 1].copy_(scale)
        if self._full:
            full_row = len(self._full_steps)
            self._capture.record(full_row)
            if full_row == 0:
                self._weight_norms.write(0, self._weight_tensors)
            self._gradient_samples.write(full_row, [p.grad for p in self._weight_tensors])
            self._full_steps.append(step)

    @torch.no_grad()
    def step_ends(self, step: int) -> None:
        """After the optimizer's step."""
        self._weight_samples.write_views(len(self._steps), self._weight_views)
        self._steps.append(step)
        if step == 0 or len(self._steps) == STEP_ROWS or len(self._full_steps) == FULL_ROWS:
            self._flush()

    @property
    def diverged(self) -> bool:
        """Whether a loss was not finite, as far as is known since the last flush."""
        return self._digest.first_bad_loss is not None

    def finish(self) -> None:
        """Bring the rest to the host and let go of the network."""
        self._flush()
        self._capture.detach()

    def measurements(self) -> tuple[FloatArray, FloatArray, dict[str, Series], dict[str, TimeProfile]]:
        """After `finish`: loss, total gradient norm, series and profiles through time, up to and including
        the first step whose loss is not finite."""
        return (*self._digest.result(), self._through_time.profiles())

    def ledger(self) -> LedgerTrace | None:
        """After `finish`: the ledger of the first and the last step; None for a network too large for it."""
        return self._ledger.result()

    def _allocate(self, entries: Sequence[int], device: torch.device) -> None:
        arena = self._arena = Arena(device)
        sizes = [p.numel() for p in self._weights.parameters]
        taps = [[Layout.of(n)] for n in entries]
        self._gradient_norms = NormLog(arena, STEP_ROWS, sizes)
        self._weight_norms = NormLog(arena, 1, [p.numel() for p in self._weight_tensors])
        self._value_norms = NormLog(arena, FULL_ROWS, entries)
        self._delta_norms = NormLog(arena, FULL_ROWS, entries)
        self._weight_samples = SampleLog(arena, STEP_ROWS, self._weights.layouts())
        self._gradient_samples = SampleLog(arena, FULL_ROWS, self._weights.layouts())
        self._value_samples = SampleLog(arena, FULL_ROWS, taps)
        self._delta_samples = SampleLog(arena, FULL_ROWS, taps)
        self._scalar_slot = arena.reserve((STEP_ROWS, 2), torch.float32)
        arena.allocate()
        for norms in (self._gradient_norms, self._weight_norms, self._value_norms, self._delta_norms):
            norms.bind()
        for samples in (
            self._weight_samples,
            self._gradient_samples,
            self._value_samples,
            self._delta_samples,
        ):
            samples.bind()
        self._scalars = arena.view(self._scalar_slot)
        self._scalars.fill_(1.0)
        self._taps = TapLog(
            (self._value_norms, self._value_samples), (self._delta_norms, self._delta_samples)
        )

    @torch.no_grad()
    def _initial_samples(self) -> SampleBlock:
        """The weights as they are before the first step. Parameters stay where they are in memory while they
        train, so their views are made once."""
        self._weight_views = [
            self._weight_samples.view(i, tensor) for i, tensor in enumerate(self._weight_tensors)
        ]
        self._weight_samples.write_views(0, self._weight_views)
        block = self._weight_samples.read(self._arena.fetch(), 1)
        return SampleBlock(block.values.copy(), block.offsets)

    def _flush(self) -> None:
        """The one synchronisation with the device."""
        if not self._steps:
            return
        rows, full_rows = len(self._steps), len(self._full_steps)
        host = self._arena.fetch()
        scalars = host.array(self._scalar_slot, rows)
        step_rows = StepRows(
            steps=list(self._steps),
            loss=scalars[:, 0].astype(float),
            scale=scalars[:, 1].astype(float),
            gradient_norms=self._gradient_norms.read(host, rows),
            has_gradient=np.array([p.grad is not None for p in self._weights.parameters], dtype=np.bool_),
            weights_after=self._weight_samples.read(host, rows),
        )
        full = FullRows(
            steps=list(self._full_steps),
            value_norms=self._value_norms.read(host, full_rows),
            values=self._value_samples.read(host, full_rows),
            delta_norms=self._delta_norms.read(host, full_rows),
            deltas=self._delta_samples.read(host, full_rows),
            weight_norms=self._weight_norms.read(host, min(full_rows, 1)),
            gradients=self._gradient_samples.read(host, full_rows),
        )
        self._digest.take(step_rows, full)
        self._steps.clear()
        self._full_steps.clear()
