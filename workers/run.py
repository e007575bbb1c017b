"""The work of one job, in its own process: plan, data, network, training with probes, diagnosis."""

import math
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import torch

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode, InvalidRequestError
from service.contract.job import JobRequest, Progress
from service.contract.planning import SizeLimits, plan_network
from service.contract.training_plan import Device
from service.version import service_version
from workers.data import load_dataset
from workers.diagnosis import diagnose
from workers.isolation.child import ChildSpec, JobFailedError, is_out_of_memory
from workers.models import build_network, layer_infos
from workers.training import TrainingError, train_and_probe

ACCEPTED = SizeLimits(layers=2**31, nesting=2**31, parameters=2**62, activation_values=2**62)
"""The front has refused what is too large by its own settings; here only the job's limits count."""


def run_child(spec: ChildSpec, report: Callable[[Progress], None]) -> Diagnosis:
    """The entry of a job's process. Raises JobFailedError for what is the request's fault."""
    torch.set_num_threads(spec.limits.threads)
    request = JobRequest.model_validate_json(spec.request_json)
    return run_job(request, spec.scratch, report)


def run_job(request: JobRequest, scratch: Path, report: Callable[[Progress], None]) -> Diagnosis:
    """Train and probe what was asked for, leave the trace in `scratch`, and diagnose it.

    `scratch` gets trace.npz and trace.json.gz. `report` is called at each change of phase and about twice a
    second while training; what it raises aborts the job.

    Raises:
        JobFailedError: the request cannot be carried out as it is, or not on this machine.
    """
    training = request.training

    def tell(step: int, loss: float | None) -> None:
        finite = loss if loss is not None and math.isfinite(loss) else None
        report(Progress(phase="training", step=step, steps=training.steps, loss=finite))

    report(Progress(phase="preparing", step=0, steps=training.steps))
    device = resolve_device(request.device)
    with _blaming(ErrorCode.MODEL_INVALID, "The network cannot be built"):
        plan = plan_network(request.model, request.data, training, ACCEPTED)
        network = build_network(plan, training.seed)
    with _blaming(ErrorCode.DATA_INVALID, "The data cannot be loaded"):
        dataset = load_dataset(request.data, training.seed)
    try:
        layers = layer_infos(plan)
        trace = train_and_probe(network, layers, dataset, training, request.probe, plan.loss, device, tell)
    except TrainingError as error:
        raise JobFailedError(ErrorCode.MODEL_INVALID, f"The network cannot be trained: {error}") from error
    report(Progress(phase="diagnosing", step=len(trace.loss), steps=training.steps))
    trace.save(scratch / "trace.npz")
    trace.save_json(scratch / "trace.json.gz")
    return diagnose(trace, service_version=service_version(), metadata=request.metadata)


def resolve_device(wanted: Device) -> torch.device:
    """The device to train on; `auto` takes a GPU if there is one. Raises JobFailedError if there must be."""
    if wanted == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if wanted == "auto":
        return torch.device("cpu")
    detail = "The job asks for a GPU (device: cuda) and the worker that took it has none. Use auto or cpu."
    raise JobFailedError(ErrorCode.DEVICE_UNAVAILABLE, detail)


@contextmanager
def _blaming(code: ErrorCode, what: str) -> Iterator[None]:
    """Turn a refusal inside the block into the end of the job; lack of memory is nobody's mistake."""
    try:
        yield
    except InvalidRequestError as error:
        blamed = ErrorCode.DATA_INVALID if error.pointer.startswith("/data") else code
        raise JobFailedError(blamed, f"{what}: {error.pointer}: {error.detail}") from error
    except (ValueError, RuntimeError) as error:
        if is_out_of_memory(error):
            raise
        raise JobFailedError(code, f"{what}: {error}") from error
