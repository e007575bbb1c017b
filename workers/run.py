"""The work of one job, in its own process: data, network, training with probes, diagnosis."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import torch

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode
from service.contract.job import JobRequest, Progress
from service.contract.model_spec import UploadedModel
from service.version import SERVICE_VERSION
from workers.device import resolve_device
from workers.diagnosis import diagnose
from workers.files import OpenFile, no_files
from workers.isolation.child import ChildSpec, JobFailedError
from workers.preparation import Subject, blaming, prepare
from workers.probes.trace import Trace
from workers.remedies.messages import Round
from workers.remedies.rounds import begin
from workers.training import TrainingError, train_and_probe


def run_child(spec: ChildSpec, report: Callable[[Progress], None]) -> Diagnosis | Round:
    """The entry of a job's process: its diagnosis, or the first trials of remedies. Raises JobFailedError for
    what is the request's fault."""
    torch.set_num_threads(spec.limits.threads)
    request = JobRequest.model_validate_json(spec.request_json)
    diagnosis = run_job(request, spec.scratch, report, spec.open)
    return begin(request, diagnosis)


def run_job(
    request: JobRequest,
    scratch: Path,
    report: Callable[[Progress], None],
    open_file: OpenFile = no_files,
) -> Diagnosis:
    """Train and probe what was asked for, leave the trace in `scratch`, and diagnose it.

    `scratch` gets trace.npz and trace.json.gz. `report` is called at each change of phase, between the steps
    of preparing and examining, and about twice a second while training; what it raises aborts the job.
    `open_file` opens the files that the request names, as `checkpoint` and `dataset`.

    Raises:
        JobFailedError: the request cannot be carried out as it is, or not on this machine.
    """
    steps = request.training.steps

    def preparing() -> None:
        report(Progress(phase="preparing", step=0, steps=steps))

    preparing()
    device = resolve_device(request.device)
    trace = _train(request, prepare(request, open_file, preparing), device, report)
    report(Progress(phase="diagnosing", step=len(trace.loss), steps=steps))
    trace.save(scratch / "trace.npz")
    trace.save_json(scratch / "trace.json.gz")
    return diagnose(trace, service_version=SERVICE_VERSION, metadata=request.metadata)


def _train(
    request: JobRequest, subject: Subject, device: torch.device, report: Callable[[Progress], None]
) -> Trace:
    training = request.training

    def tell(step: int, loss: float | None) -> None:
        finite = loss if loss is not None and math.isfinite(loss) else None
        report(Progress(phase="training", step=step, steps=training.steps, loss=finite))

    with _blaming_the_network(isinstance(request.model, UploadedModel)):
        return train_and_probe(
            subject.network, subject.layers, subject.dataset, training, request.probe, subject.loss, device,
            tell, training_mode=subject.training_mode,
        )  # fmt: skip


@contextmanager
def _blaming_the_network(uploaded: bool) -> Iterator[None]:
    """What fails in the training of an uploaded network is its sender's to mend; in one that was built here
    it is ours, unless it is a TrainingError."""
    with blaming(ErrorCode.MODEL_INVALID, "The network cannot be trained") if uploaded else nullcontext():
        try:
            yield
        except TrainingError as error:
            detail = f"The network cannot be trained: {error}"
            raise JobFailedError(ErrorCode.MODEL_INVALID, detail) from error
