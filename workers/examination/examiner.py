"""Makes a run's experiments, before training and after it. The run neither sees nor feels them."""

import math
import time
from collections.abc import Callable, Iterator, Sequence, Set
from contextlib import contextmanager

import torch
from torch import nn

from service.contract.training_plan import TrainingPlan
from workers.examination.cost import cost, flops_per_sample, peak_flops
from workers.examination.data_check import data_check
from workers.examination.error_signal import error_signal
from workers.examination.guard import attempt
from workers.examination.line_search import line_search
from workers.examination.number_format import absorbed_share, flushed_share
from workers.examination.overfitting import overfit_ratio
from workers.examination.parameters import (
    Reach,
    named_gradients,
    parameter_infos,
    predicted_share_bottom,
    trained_names,
    zero_after_some_steps,
)
from workers.examination.representation import Representation, representation
from workers.examination.subject import Subject, choose_samples, copy_of, own_random_numbers
from workers.probes.trace import Cost, DataCheck, Examination, FloatArray, LayerInfo, ParameterInfo
from workers.training.data import TrainingData
from workers.training.precision import DTYPES, Precision

NAN = math.nan

LARGE = 20_000_000
"""Parameters above which no optimizer of our own is run: it would need several times their memory."""

FIRST_LOOK = 64
"""Samples of the line search in a run without steps."""

UNKNOWN = Representation(NAN, NAN, NAN, NAN)


class Examiner:
    """Examines a network at moments of its run.

    Every experiment has a copy of the network, the same samples and its own random numbers: training is
    bit-equal with and without. One that fails gives NaN and a line in the log. A run without steps asks for
    a cheap first look: what takes many steps or distances (overfitting, neighbours) is left out, and what
    takes many passes (the line search) has fewer samples. Large networks are examined on fewer samples, and
    not overfitted. After training nothing is: what counts is whether the network could learn, not whether it
    could still.
    """

    def __init__(
        self,
        network: nn.Module,
        layers: tuple[LayerInfo, ...],
        dataset: TrainingData,
        training: TrainingPlan,
        loss: str,
        precision: Precision,
        optimizer: torch.optim.Optimizer,
        device: torch.device,
    ) -> None:
        self._network, self._layers, self._dataset = network, layers, dataset
        self._training, self._loss = training, loss
        self._precision, self._optimizer, self._device = precision, optimizer, device
        self._reach: dict[int, Reach] = {}
        self._large = sum(parameter.numel() for parameter in network.parameters()) > LARGE
        self.alive: Callable[[], None] = lambda: None
        """Called between experiments: with a large network each takes its time."""
        self.seconds = 0.0
        """Spent on examinations so far."""
        self._flops = NAN
        self._samples = choose_samples(dataset, layers, math.inf, training.seed, device)
        with self._aside():
            self._flops = attempt("counting operations", lambda: flops_per_sample(self._subject()), NAN)
        self._samples = choose_samples(dataset, layers, self._flops, training.seed, device)

    def examine(self, step: int) -> Examination:
        """The network as it is now."""
        with self._aside():
            return attempt("examining it", lambda: self._examine(self._subject(), step), _nothing(step))

    def check_data(self) -> DataCheck | None:
        """Null if the data are odd."""
        plan = self._training
        with self._aside():
            return attempt(
                "looking at its data",
                lambda: data_check(self._dataset, plan.seed, neighbours=plan.steps > 0),
                None,
            )

    def parameters(self) -> tuple[ParameterInfo, ...]:
        """After `examine`: what it found out about each parameter. Empty if that failed at step 0."""
        if 0 not in self._reach:
            return ()
        with self._aside():
            return attempt("listing its parameters", self._parameters, ())

    def cost(self, parts: FloatArray, data_seconds: Sequence[float], measured: Set[int]) -> Cost | None:
        """Where the time of a step went; see `workers.examination.cost.cost`. Null for a run without steps,
        whose only one warmed up."""
        if not self._training.steps:
            return None
        with self._aside():
            cuda = self._device.type == "cuda"
            dtype = DTYPES[self._training.precision] if cuda else torch.float32
            peak = attempt("measuring the device", lambda: peak_flops(self._device, dtype), NAN)
        flops = self._flops * min(self._training.batch_size, len(self._dataset.train_inputs))
        last = self._reach[max(self._reach)].denormal_share if self._reach else NAN
        return cost(parts, data_seconds, measured, flops, peak, last)

    def _examine(self, subject: Subject, step: int) -> Examination:
        loss, level, reaching = attempt("the error signal", lambda: error_signal(subject), (NAN, NAN, NAN))
        found = attempt("a backward pass", subject.gradients, None)
        if found is None or not math.isfinite(loss):
            return _nothing(step, loss)
        self.alive()
        gradients = named_gradients(subject, found)
        self._reach[step] = Reach.of(gradients)
        seen = attempt("its representation", lambda: representation(subject), UNKNOWN)
        self.alive()
        rate, plan, optimizer = self._training.learning_rate, self._training, self._optimizer
        searched = subject if plan.steps else subject.few(FIRST_LOOK)
        gain, best = attempt("line search", lambda: line_search(searched.copy(), rate), (NAN, NAN))
        self.alive()
        return Examination(
            step=step,
            loss=loss,
            error_level=level,
            error_reaching_output=reaching,
            line_search_gain=gain,
            best_step_ratio=best,
            overfit_ratio=NAN
            if self._large or step or not plan.steps
            else attempt("overfitting", lambda: overfit_ratio(subject.copy()), NAN),
            predicted_share_bottom=predicted_share_bottom(subject, gradients),
            feature_rank=seen.feature_rank,
            input_rank=seen.input_rank,
            feature_correlation=seen.feature_correlation,
            output_variance_share=seen.output_variance_share,
            flushed_share=attempt(
                "its number format", lambda: flushed_share(subject, found, self._precision), NAN
            ),
            absorbed_share=NAN
            if self._large
            else attempt("an update", lambda: absorbed_share(subject.copy(), found, plan, optimizer), NAN),
        )

    def _parameters(self) -> tuple[ParameterInfo, ...]:
        subject, last = self._subject(), max(self._reach)
        later = self._reach[last].zero if last else frozenset()
        if self._reach[0].zero and not self._training.steps and not self._large:
            later = zero_after_some_steps(subject, self._training)
        trained = trained_names(self._network, self._optimizer)
        return parameter_infos(subject, self._reach[0], later, trained)

    def _subject(self) -> Subject:
        inputs, targets = self._samples
        return Subject(
            copy_of(self._network), self._layers, inputs, targets, self._dataset.task, self._dataset.classes,
            self._loss, self._training.seed,
        )  # fmt: skip

    @contextmanager
    def _aside(self) -> Iterator[None]:
        started = time.perf_counter()
        try:
            with own_random_numbers(self._device):
                yield
        finally:
            self.seconds += time.perf_counter() - started


def _nothing(step: int, loss: float = NAN) -> Examination:
    """Where nothing can be measured."""
    return Examination(step, loss, *[NAN] * 12)
