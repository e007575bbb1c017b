"""A trial: first a search for the learning rate, then a probed run from each seed."""

import math
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest, Progress
from service.contract.remedies import TrialRun
from workers.diagnosis import diagnose
from workers.files import OpenFile, no_files
from workers.isolation.child import JobFailedError
from workers.preparation import prepare
from workers.probes.trace import Trace
from workers.remedies.messages import TrialDone, TrialFailed, TrialOrder, TrialResult
from workers.remedies.trials.keep import keep_network
from workers.remedies.trials.summary import summarize
from workers.run import resolve_device
from workers.training import TrainingError, train_and_probe
from workers.training.bare import train_bare
from workers.training.pretraining import pretraining_steps

Report = Callable[[Progress], None]


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


def run_trial(
    order: TrialOrder, report: Report, open_file: OpenFile = no_files, scratch: Path | None = None
) -> TrialResult:
    """Train as the order says and measure. What the remedy's request is to blame for fails the trial.

    `scratch` gets the files of an order that keeps its network.
    """
    trial = _Trial(order, report, open_file, scratch)
    try:
        return trial.make()
    except JobFailedError as error:
        return TrialFailed(reason=error.detail, not_applicable=not trial.trained, runs=tuple(trial.runs))
    except TrainingError as error:
        return TrialFailed(reason=str(error), not_applicable=not trial.trained, runs=tuple(trial.runs))


class _Trial:
    def __init__(self, order: TrialOrder, report: Report, open_file: OpenFile, scratch: Path | None) -> None:
        self._order, self._report, self._open_file = order, report, open_file
        self._scratch = scratch if order.keep else None
        self._files: tuple[str, ...] = ()
        self._device = resolve_device(order.request.device)
        self._done = 0
        self.runs: list[TrialRun] = []
        self.trained = False

    def make(self) -> TrialResult:
        rate = self._best_learning_rate()
        if rate is None:
            reason = "training diverged at every learning rate that was tried"
            return TrialFailed(reason=reason, runs=tuple(self.runs))
        probed = [self._probed(seed, rate) for seed in self._order.seeds]
        return TrialDone(measured=summarize(probed, rate), runs=tuple(self.runs), files=self._files)

    def _best_learning_rate(self) -> float | None:
        """By the training loss at the end; what diverges is out. A single one is not searched for."""
        rates = self._order.learning_rates
        if len(rates) == 1:
            return rates[0]
        losses = {rate: self._bare(rate) for rate in rates}
        finite = {rate: loss for rate, loss in losses.items() if math.isfinite(loss)}
        return min(finite, key=finite.__getitem__, default=None)

    def _bare(self, rate: float) -> float:
        request = self._with(self._order.seeds[0], rate)
        subject = prepare(request, self._open_file)
        began = time.perf_counter()
        run = train_bare(
            subject.network, subject.layers, subject.dataset, request.training, subject.loss, self._device,
            self._tell, training_mode=subject.training_mode,
        )  # fmt: skip
        self._note(request, run.loss, run.metric, None, time.perf_counter() - began)
        return run.loss

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
        if self._scratch is not None and not self._files:
            self._files = keep_network(subject.network, subject.dataset.train_inputs, self._scratch)
        extra = pretraining_steps(request.training, subject.network, subject.layers)
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
        self._done += training.steps
        self.trained = True
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
        done, steps = min(self._done + step, self._order.steps), self._order.steps
        self._report(Progress(phase="training", step=done, steps=steps, loss=loss))


def ill(diagnosis: Diagnosis) -> list[str]:
    """The conditions that are more than a note, the most severe first."""
    return [finding.condition for finding in diagnosis.findings if finding.severity != "note"]


def _finite(value: float | None) -> float | None:
    return value if value is not None and math.isfinite(value) else None
