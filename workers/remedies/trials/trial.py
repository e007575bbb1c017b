"""A trial: first a search for the learning rate, then a probed run from each seed."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest, Progress
from service.contract.remedies import Measured, TrialRun, Tuned
from service.store.artifacts import NETWORK_FILES
from workers.device import resolve_device
from workers.diagnosis import diagnose
from workers.files import OpenFile, no_files
from workers.isolation.child import JobFailedError
from workers.preparation import Subject, prepare
from workers.probes.trace import Trace
from workers.remedies.messages import TrialDone, TrialFailed, TrialOrder, TrialResult
from workers.remedies.trials.keep import Kept, keep_network
from workers.remedies.trials.search import best, beyond
from workers.remedies.trials.summary import metric_estimate, summarize
from workers.training import TrainingError, train_and_probe
from workers.training.bare import BareRun, train_bare
from workers.training.pretraining import pretraining_steps

Report = Callable[[Progress], None]

TIME_MARGIN = 0.97
"""A trial ends by itself, with the runs that it has, before the worker has to end it."""


@dataclass(frozen=True)
class ProbedRun:
    """One run with everything measured."""

    seed: int
    trace: Trace
    diagnosis: Diagnosis
    parameters: int
    seconds: float
    extra_steps: int
    """Of a pre-training."""


class _TimeIsUpError(Exception):
    """Ends a trial within a run."""


def run_trial(
    order: TrialOrder, report: Report, open_file: OpenFile = no_files, scratch: Path | None = None
) -> TrialResult:
    """Train as the order says and measure. What the remedy's request is to blame for fails the trial, and so
    does its time: the runs that were finished are told all the same.

    `scratch` gets the files of an order that keeps its network.
    """
    trial = _Trial(order, report, open_file, scratch)
    try:
        return trial.make()
    except JobFailedError as error:
        return trial.failed(error.detail, not_applicable=not trial.runs)
    except TrainingError as error:
        return trial.failed(str(error), not_applicable=not trial.runs)
    except _TimeIsUpError:
        return trial.failed(f"its time of {order.most_seconds:.3g} seconds was up before its end")


class _Trial:
    def __init__(self, order: TrialOrder, report: Report, open_file: OpenFile, scratch: Path | None) -> None:
        self._order, self._report, self._open_file = order, report, open_file
        self._scratch = scratch if order.keep else None
        self._kept = Kept()
        self._device = resolve_device(order.request.device)
        self._done = 0
        self._began = time.monotonic()
        self.runs: list[TrialRun] = []

    def make(self) -> TrialResult:
        return self._control() if self._order.own_rate else self._candidate()

    def failed(self, reason: str, *, not_applicable: bool = False) -> TrialFailed:
        """What the trial comes to if it does not come to its end."""
        return TrialFailed(
            reason=reason,
            not_applicable=not_applicable,
            runs=tuple(self.runs),
            seconds=time.monotonic() - self._began,
        )

    def _candidate(self) -> TrialResult:
        rate = self._best_learning_rate()
        if rate is None:
            return self.failed("training diverged at every learning rate that was tried")
        return self._done_with(self._measured(rate))

    def _control(self) -> TrialResult:
        """The illness is to show at the job's own learning rate; what another one makes of it is compared."""
        own = self._order.request.training.learning_rate
        measured = self._measured(own)
        rate = self._best_learning_rate()
        if rate is not None and rate != own:
            metrics = [self._bare(seed, rate).metric for seed in self._order.seeds]
            metric = metric_estimate(metrics, measured.metric_name, measured.metric_samples)
            measured = measured.model_copy(update={"tuned": Tuned(learning_rate=rate, metric=metric)})
        return self._done_with(measured)

    def _done_with(self, measured: Measured) -> TrialDone:
        kept = self._kept
        return TrialDone(
            measured=measured, runs=tuple(self.runs), files=kept.files, files_missing=kept.missing
        )

    def _measured(self, rate: float) -> Measured:
        return summarize([self._probed(seed, rate) for seed in self._order.seeds], rate)

    def _best_learning_rate(self) -> float | None:
        """By the training loss at the end; None if training diverged at all. A single one is not searched
        for."""
        planned = self._order.search_rates
        if not planned:
            return self._order.learning_rates[0]
        losses = {rate: self._bare(self._order.search_seed, rate).loss for rate in planned}
        while (further := beyond(losses, planned)) is not None:
            losses[further] = self._bare(self._order.search_seed, further).loss
        return best(losses)

    def _bare(self, seed: int, rate: float) -> BareRun:
        request = self._with(seed, rate)
        subject = prepare(request, self._open_file)
        began = time.perf_counter()
        run = train_bare(
            subject.network, subject.layers, subject.dataset, request.training, subject.loss, self._device,
            self._tell, training_mode=subject.training_mode,
        )  # fmt: skip
        self._note(request, run.loss, run.metric, None, time.perf_counter() - began)
        return run

    def _probed(self, seed: int, rate: float) -> ProbedRun:
        request = self._with(seed, rate)
        subject = prepare(request, self._open_file)
        began = time.perf_counter()
        trace = train_and_probe(
            subject.network, subject.layers, subject.dataset, request.training, request.probe, subject.loss,
            self._device, self._tell, training_mode=subject.training_mode,
        )  # fmt: skip
        seconds = time.perf_counter() - began
        diagnosis = diagnose(trace, service_version="")
        outcome = diagnosis.outcome
        self._note(request, outcome.loss_last, outcome.value, ill(diagnosis), seconds)
        parameters = sum(parameter.numel() for parameter in subject.network.parameters())
        extra = pretraining_steps(request.training, subject.network, subject.layers)
        if self._scratch is not None and seed == self._order.seeds[0]:
            self._kept = keep_if_it_learned(subject, diagnosis, self._scratch)
        return ProbedRun(seed, trace, diagnosis, parameters, seconds, extra)

    def _with(self, seed: int, rate: float) -> JobRequest:
        request = self._order.request
        training = request.training.model_copy(update={"seed": seed, "learning_rate": rate})
        return request.model_copy(update={"training": training})

    def _note(
        self,
        request: JobRequest,
        loss: float | None,
        metric: float | None,
        findings: list[str] | None,
        seconds: float,
    ) -> None:
        training = request.training
        self._done += self._order.steps_per_run
        self.runs.append(
            TrialRun(
                seed=training.seed,
                learning_rate=training.learning_rate,
                loss=_finite(loss),
                metric=_finite(metric),
                findings=findings,
                seconds=seconds,
            )
        )

    def _tell(self, step: int, loss: float | None) -> None:
        if time.monotonic() - self._began > TIME_MARGIN * self._order.most_seconds:
            raise _TimeIsUpError
        done, steps = min(self._done + step, self._order.steps), self._order.steps
        self._report(Progress(phase="training", step=done, steps=steps, loss=loss))


def keep_if_it_learned(subject: Subject, diagnosis: Diagnosis, scratch: Path) -> Kept:
    """The trained network as files; none of one that did not learn, since nobody has a use for it."""
    if diagnosis.outcome.learned is False:
        reason = "from the job's own seed the network did not learn"
        return Kept(missing=dict.fromkeys(NETWORK_FILES, reason))
    return keep_network(subject.network, subject.dataset, scratch)


def ill(diagnosis: Diagnosis) -> list[str]:
    """The conditions that are more than a note, the most severe first."""
    return [finding.condition for finding in diagnosis.findings if finding.severity != "note"]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
