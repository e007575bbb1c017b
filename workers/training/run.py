"""A probed training run, from network and data to Trace."""

import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
import torch
from torch import nn

from service.contract.training_plan import WITH_MOMENTUM, ProbePlan, TrainingPlan
from workers.examination.cost import TimedBatches
from workers.examination.examiner import Examiner
from workers.probes.quantities.dead_units import SAMPLES, dead_units
from workers.probes.recorder import Recorder
from workers.probes.schedule import Schedule
from workers.probes.trace import Evaluation, FloatArray, LayerInfo, RunInfo, Series, Trace
from workers.training.adaptation import adapt
from workers.training.batches import Batches
from workers.training.clock import Clock, probe_overhead
from workers.training.data import TrainingData
from workers.training.errors import TrainingError
from workers.training.evaluation import BATCH, Evaluator
from workers.training.loop import Loop, Report
from workers.training.losses import loss_function
from workers.training.optimizers import build_optimizer
from workers.training.precision import Precision


def train_and_probe(
    network: nn.Module,
    layers: tuple[LayerInfo, ...],
    dataset: TrainingData,
    training: TrainingPlan,
    probe: ProbePlan,
    loss: str,
    device: torch.device,
    report: Report,
    *,
    training_mode: bool = True,
) -> Trace:
    """Train `network` in place on `device`, after what the plan asks for before, and measure it.

    `layers` name modules of the network, in the order in which the forward pass finishes them. `report` is
    called with the steps done and the latest loss, at most about twice a second, and between experiments;
    what it raises ends the run. Without `training_mode`, dropout is off and stored statistics normalise. On a
    CPU, the same arguments and number of threads give the same measurements, bit by bit, but for times.

    Raises TrainingError where the network cannot be trained so (nothing to train, an operation that the
    number format does not have, targets that do not fit), and ValueError for a layer that is not in the
    network. A loss that is not finite is no error: the run stops there and `RunInfo.stopped_early` says so.
    """
    network.to(device).train(training_mode)
    adapt(network, layers, dataset, training, loss, device, report)
    torch.manual_seed(training.seed)  # dropout; the job has its process to itself
    with _explaining(training):
        return _Run(network, layers, dataset, training, probe, loss, device).make(report)


class _Run:
    def __init__(
        self,
        network: nn.Module,
        layers: tuple[LayerInfo, ...],
        dataset: TrainingData,
        training: TrainingPlan,
        probe: ProbePlan,
        loss: str,
        device: torch.device,
    ) -> None:
        self._network, self._layers, self._dataset = network, layers, dataset
        self._training, self._loss, self._device = training, loss, device
        self._precision = Precision(training, device)
        self._evaluator = Evaluator(dataset, self._precision, device, training.seed)
        self._batches = Batches(
            dataset.train_inputs, dataset.train_targets, training.batch_size, training.seed, device
        )
        self._schedule = Schedule.plan(probe, training.steps, len(layers))
        optimizer = build_optimizer(network, training)
        self._loop = Loop(network, training, optimizer, loss_function(loss), self._precision)
        self._examiner = Examiner(
            network, layers, dataset, training, loss, self._precision, optimizer, device
        )

    def make(self, report: Report) -> Trace:
        before = self._evaluator.held_out(self._network)
        self._examiner.alive = lambda: report(0, None)
        self._examiner.alive()
        dead_before = self._dead_units()
        examinations = [self._examiner.examine(step=0)]
        recorder = Recorder(
            self._network, self._layers, self._schedule, self._batches.first_inputs(), self._device
        )
        clock, batches = Clock(self._device), TimedBatches(iter(self._batches))
        started = time.perf_counter()
        try:
            self._loop.run(batches, recorder, report, clock)
        finally:
            recorder.finish()
        clock.finish()
        seconds = time.perf_counter() - started
        losses, total_norms, series, through_time = recorder.measurements()
        series["activation.dead_units"] = self._dead_series(dead_before, len(losses))
        if self._training.steps:
            self._examiner.alive = lambda: report(len(losses), float(losses[-1]) if len(losses) else None)
            examinations.append(self._examiner.examine(step=len(losses)))
        data_check, parameters = self._examiner.check_data(), self._examiner.parameters()
        schedule = self._schedule
        measured = schedule.full | schedule.through_time | schedule.ledger
        cost = self._examiner.cost(clock.seconds(), batches.seconds, measured)
        return Trace(
            run=self._run_info(clock, seconds, recorder.diverged),
            layers=self._layers,
            loss=losses,
            total_gradient_norm=total_norms,
            step_seconds=clock.seconds().sum(axis=1)[: len(losses)],
            series=series,
            through_time=through_time,
            evaluation=self._evaluation(before),
            ledger=recorder.ledger(),
            examinations=tuple(examinations),
            data_check=data_check,
            parameters=parameters,
            cost=cost,
        )

    def _dead_units(self) -> FloatArray:
        inputs = torch.cat([self._dataset.train_inputs, self._dataset.test_inputs])
        chosen = inputs[:: max(1, len(inputs) // SAMPLES)].to(self._device)
        modules = {
            index: self._network.get_submodule(layer.name)
            for index, layer in enumerate(self._layers)
            if layer.op == "activation"
        }
        with self._precision.autocast():
            return dead_units(self._network, modules, len(self._layers), torch.split(chosen, BATCH))

    def _dead_series(self, before: FloatArray, steps: int) -> Series:
        """Before the first update, and after the last: at the step that would come next."""
        if not self._training.steps:
            return _series([0], [before])
        return _series([0, steps], [before, self._dead_units()])

    def _evaluation(self, before: float) -> Evaluation:
        """Without steps there is no after: what it would be is not measured a second time."""
        untrained = Evaluation(
            metric="accuracy" if self._dataset.task == "classification" else "mean_squared_error",
            before=before,
            after=before,
            after_on_training_data=math.nan,
            chance=self._dataset.chance,
            samples=self._evaluator.held_out_samples,
        )
        if not self._training.steps:
            return untrained
        return replace(
            untrained,
            after=self._evaluator.held_out(self._network),
            after_on_training_data=self._evaluator.on_training_data(self._network),
            largest_answer_share=self._evaluator.largest_answer_share(self._network),
        )

    def _run_info(self, clock: Clock, seconds: float, diverged: bool) -> RunInfo:
        cuda = self._device.type == "cuda"
        return RunInfo(
            task=self._dataset.task,
            classes=self._dataset.classes,
            optimizer=self._training.optimizer,
            learning_rate=self._training.learning_rate,
            batch_size=self._batches.size,
            steps_planned=self._training.steps,
            precision=self._training.precision,
            seed=self._training.seed,
            device=torch.cuda.get_device_name(self._device) if cuda else self._device.type,
            torch=str(torch.__version__),
            threads=torch.get_num_threads(),
            seconds=seconds,
            probe_overhead=probe_overhead(
                clock.effort(), self._schedule.full, self._schedule.through_time | self._schedule.ledger
            ),
            stopped_early="non_finite_loss" if diverged else None,
            examination_seconds=self._examiner.seconds,
            momentum=self._training.momentum if self._training.optimizer in WITH_MOMENTUM else None,
            weight_decay=self._training.weight_decay,
            loss=self._loss,
            loss_scaling=self._precision.scaler is not None,
            clip_grad_norm=self._training.clip_grad_norm,
        )


def _series(steps: list[int], rows: list[FloatArray]) -> Series:
    return Series(np.array(steps, dtype=np.int64), np.stack(rows))


_NO_KERNEL = ("not implemented for", "could not create a primitive")
"""How PyTorch and oneDNN say that they have no kernel for a number format."""


@contextmanager
def _explaining(training: TrainingPlan) -> Iterator[None]:
    """Turn what torch says about an operation without an implementation into something to act on."""
    try:
        yield
    except NotImplementedError as error:
        raise _unsupported(training, error) from error
    except RuntimeError as error:
        if not any(words in str(error) for words in _NO_KERNEL):
            raise
        raise _unsupported(training, error) from error


def _unsupported(training: TrainingPlan, error: Exception) -> TrainingError:
    return TrainingError(
        f"precision {training.precision} does not work for this network on this device ({error}); "
        "use float32 or bfloat16, or a GPU"
    )
