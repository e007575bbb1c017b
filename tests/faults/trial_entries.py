"""Jobs that have trials made, run by real workers and real children in place of trainings.

The request's metadata say how many trials each round has (`rounds`) and how each behaves (`trial`, the name
of a function here). The diagnosis at the end tells in its metadata of what was gathered.
"""

import os
import signal
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from service.contract.diagnosis import Diagnosis
from service.contract.errors import ErrorCode
from service.contract.job import JobRequest, Progress
from service.contract.remedies import Cost, Estimate, Measured, TrialRun
from tests.faults import entries
from tests.faults.entries import Report, healthy
from workers.isolation.child import ChildSpec, JobFailedError
from workers.remedies.messages import Draft, Gathered, Round, TrialDone, TrialOrder, TrialResult

STEPS = 20


def begin(spec: ChildSpec, report: Report) -> Diagnosis | Round:
    """The first round of a job that asks for some; otherwise what `entries` has."""
    request = JobRequest.model_validate_json(spec.request_json)
    if "rounds" not in request.metadata:
        return entries.chosen(spec, report)
    (spec.scratch / "trace.npz").write_bytes(b"measurements")
    report(Progress(phase="training", step=7, steps=7))
    round_ = next_round(request, Draft(diagnosis=healthy()))
    assert round_ is not None
    return round_


def gather(spec: ChildSpec, report: Report) -> Diagnosis | Round:
    gathered = Gathered.model_validate_json(spec.request_json)
    report(Progress(phase="diagnosing", step=0, steps=0))
    while "gathering waits" in gathered.request.metadata and not released(gathered.request):
        time.sleep(0.02)
    draft = gathered.draft
    told: dict[str, Any] = {
        "numbers": [trial.order.number for trial in draft.finished],
        "results": [trial.result.model_dump() for trial in draft.finished],
    }
    done = draft.diagnosis.model_copy(update={"metadata": told})
    return next_round(gathered.request, draft) or done


def next_round(request: JobRequest, draft: Draft) -> Round | None:
    made, rounds = len(draft.finished), metadata(request)["rounds"]
    place = next((n for n in range(len(rounds)) if sum(rounds[:n]) == made), None)
    if place is None:
        return None
    orders = tuple(order(request, made + n) for n in range(rounds[place]))
    return Round(draft=draft, so_far=draft.diagnosis, orders=orders)


def order(request: JobRequest, number: int) -> TrialOrder:
    limits = {"wall_seconds": 1e4} if "greedy" in request.metadata else {}
    changed = request.model_copy(update={"limits": request.limits.model_copy(update=limits)})
    return TrialOrder(
        number=number, remedy="control", request=changed, seeds=(1, 2), learning_rates=(0.1,),
        seconds=metadata(request).get("seconds"),
    )  # fmt: skip


def make_trial(spec: ChildSpec, report: Report) -> TrialResult:
    wanted = TrialOrder.model_validate_json(spec.request_json)
    report(Progress(phase="training", step=3, steps=STEPS))
    began = time.time()
    behaviour: Callable[[ChildSpec, TrialOrder], None] = globals()[metadata(wanted.request)["trial"]]
    behaviour(spec, wanted)
    return TrialDone(measured=measured(), runs=(interval(began, time.time()),))


def at_once(_spec: ChildSpec, _order: TrialOrder) -> None:
    """The trial ends as soon as it began."""


def after_a_moment(_spec: ChildSpec, _order: TrialOrder) -> None:
    time.sleep(0.3)


def when_released(_spec: ChildSpec, wanted: TrialOrder) -> None:
    while not released(wanted.request):
        time.sleep(0.02)


def in_a_way_of_its_own(_spec: ChildSpec, wanted: TrialOrder) -> None:
    """The last one works, the others each fail in another way."""
    match wanted.number:
        case 0:
            os.kill(os.getpid(), signal.SIGKILL)
        case 1:
            signal.pause()
        case 2:
            bytearray(2**40)
        case 3:
            raise JobFailedError(ErrorCode.MODEL_INVALID, "layer 3 does not fit")


def reading_the_upload(spec: ChildSpec, _order: TrialOrder) -> None:
    with spec.open("dataset") as file:
        assert file.read() == b"uploaded"


def metadata(request: JobRequest) -> dict[str, Any]:
    return dict(request.metadata)


def released(request: JobRequest) -> bool:
    return Path(metadata(request)["release"]).exists()


def interval(began: float, ended: float) -> TrialRun:
    """When it was made: in a field where nobody looks in these tests."""
    return TrialRun(seed=1, learning_rate=0.1, loss=began, metric=ended, seconds=ended - began)


def measured() -> Measured:
    """Valid, and about nothing."""
    nothing = Estimate(mean=None, low=None, high=None, values=[])
    cost = Cost(seconds_per_step=None, parameters=0, flops_per_step=None)
    return Measured(
        learning_rate=0.1, attenuation=nothing, loss=nothing, metric=nothing, chance=None, learned=None,
        findings=[], cost=cost,
    )  # fmt: skip
