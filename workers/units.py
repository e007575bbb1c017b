"""Units of work: what a claim is for, whose limits it has, and what its process is told."""

from collections.abc import Callable
from dataclasses import dataclass

from service.contract.job import JobRequest
from service.store.records import Claim, NewTrial, UnitKind
from workers.files import uploads_of
from workers.remedies.messages import Draft, FinishedTrial, Gathered, Round, TrialOrder

MOST_TRIALS = 500
"""Of a round. Some dozens are usual."""
MOST_LEARNING_RATES = 20
"""Of a trial."""


@dataclass(frozen=True)
class Entries:
    """The code that the processes run, `module:function`: by kind of unit."""

    job: str = "workers.run:run_child"
    trial: str = "workers.remedies.trials.run:run_child"
    gathering: str = "workers.remedies.rounds:run_child"

    def of(self, kind: UnitKind) -> str:
        return {"job": self.job, "trial": self.trial, "gathering": self.gathering}[kind]


@dataclass(frozen=True)
class Unit:
    """What there is to do."""

    request: JobRequest
    """Decides the limits, the confinement and the files."""
    told: str
    """What the process is told, JSON."""


class UnacceptableRoundError(Exception):
    """A job's process orders trials that reach beyond the job."""


def unit_of(claim: Claim) -> Unit:
    """What was claimed."""
    return _READERS[claim.kind](claim)


def _job(claim: Claim) -> Unit:
    return Unit(JobRequest.model_validate_json(claim.request_json), claim.request_json)


def _trial(claim: Claim) -> Unit:
    order = TrialOrder.model_validate_json(claim.request_json)
    bounded = order.request.limits.model_copy(update={"wall_seconds": order.most_seconds})
    return Unit(order.request.model_copy(update={"limits": bounded}), claim.request_json)


def _gathering(claim: Claim) -> Unit:
    request = JobRequest.model_validate_json(claim.request_json)
    draft = Draft.model_validate_json(claim.draft_json or "")
    made = tuple(
        FinishedTrial.model_validate_json(f'{{"order":{trial.order_json},"result":{trial.result_json}}}')
        for trial in claim.trials
    )
    draft = draft.model_copy(update={"finished": (*draft.finished, *made)})
    return Unit(request, Gathered(request=request, draft=draft).model_dump_json())


_READERS: dict[UnitKind, Callable[[Claim], Unit]] = {"job": _job, "trial": _trial, "gathering": _gathering}


def trials_of(round_: Round, request: JobRequest) -> list[NewTrial]:
    """The units of work that a job's process orders. It is not trusted: other jobs' files, or more time,
    memory or trials than its sender was granted are nothing that it could order.

    Raises UnacceptableRoundError.
    """
    if len(round_.orders) > MOST_TRIALS:
        raise UnacceptableRoundError(f"{len(round_.orders)} trials in a round")
    uploads = set(uploads_of(request).values())
    for order in round_.orders:
        wanted = order.request
        if len(order.seeds) > request.remedies.seeds or len(order.learning_rates) > MOST_LEARNING_RATES:
            raise UnacceptableRoundError(f"more trainings than were asked for in trial {order.number}")
        if (wanted.limits, wanted.device) != (request.limits, request.device):
            raise UnacceptableRoundError(f"other limits or another device in trial {order.number}")
        if not uploads.issuperset(uploads_of(wanted).values()):
            raise UnacceptableRoundError(f"files that are not the job's in trial {order.number}")
    return [NewTrial(order.model_dump_json(), order.title, order.steps) for order in round_.orders]
