"""What a claim is for, and what a job's process may order."""

import json
from typing import Any

import pytest

from service.contract.job import JobRequest
from service.store.records import Claim, MadeTrial
from tests.support.requests import diagnosis, job_request
from workers.remedies.messages import Draft, Gathered, Round, TrialFailed, TrialOrder
from workers.units import MOST_LEARNING_RATES, MOST_TRIALS, UnacceptableRoundError, trials_of, unit_of

REQUEST = JobRequest.model_validate(job_request(limits={"wall_seconds": 60.0}))
DRAFT = Draft.model_validate({"diagnosis": diagnosis()})
OTHERS_DATA = {"kind": "upload", "dataset": f"sha256:{'0' * 64}"}


def order(number: int = 0, seconds: float | None = None, **changes: Any) -> TrialOrder:
    changed = JobRequest.model_validate(REQUEST.model_dump(by_alias=True) | changes)
    return TrialOrder(
        number=number, remedy="relu", request=changed, seeds=(1, 2), learning_rates=(0.1,), seconds=seconds
    )


def test_a_job_is_told_its_request_as_it_was_sent() -> None:
    unit = unit_of(Claim(1, REQUEST.model_dump_json()))
    assert (unit.request, unit.told) == (REQUEST, REQUEST.model_dump_json())


@pytest.mark.parametrize(("seconds", "expected"), [(None, 120.0), (5.0, 5.0), (3600.0, 120.0)])
def test_each_training_of_a_trial_may_take_as_long_as_the_job_within_what_the_trial_was_given(
    seconds: float | None, expected: float
) -> None:
    unit = unit_of(Claim(1, order(seconds=seconds).model_dump_json(), "trial"))
    assert unit.request.limits.wall_seconds == expected


def test_a_search_for_a_learning_rate_has_time_to_go_on_beyond_its_range() -> None:
    searching = order().model_copy(update={"learning_rates": (0.1, 0.3, 1.0)})
    unit = unit_of(Claim(1, searching.model_dump_json(), "trial"))
    assert unit.request.limits.wall_seconds == 60.0 * (2 + 3 + 2)


def test_a_gathering_is_told_of_the_trials_of_all_rounds_in_order() -> None:
    first, second = (TrialFailed(reason=reason) for reason in ("first", "second"))
    before = Draft(diagnosis=DRAFT.diagnosis, finished=({"order": order(0), "result": first},))
    made = MadeTrial(order(1).model_dump_json(), second.model_dump_json())

    unit = unit_of(Claim(2, REQUEST.model_dump_json(), "gathering", before.model_dump_json(), (made,)))

    told = Gathered.model_validate_json(unit.told)
    assert told.request == REQUEST
    assert [(each.order.number, each.result) for each in told.draft.finished] == [(0, first), (1, second)]


def test_orders_become_units_of_work() -> None:
    (trial,) = trials_of(Round(draft=DRAFT, so_far=DRAFT.diagnosis, orders=(order(),)), REQUEST)
    assert TrialOrder.model_validate_json(trial.order_json) == order()
    assert (trial.title, trial.steps) == ("relu", order().steps)
    assert json.loads(trial.order_json)["request"]["remedies"]["try"] == "auto"


@pytest.mark.parametrize(
    "orders",
    [
        (order(limits={"wall_seconds": 61.0}),),
        (order(limits={"wall_seconds": 60.0, "memory_mib": 9999}),),
        (order(device="cuda"),),
        (order(0), order(1, data=OTHERS_DATA)),
        tuple(order(number) for number in range(MOST_TRIALS + 1)),
        (order().model_copy(update={"seeds": (1, 2, 3)}),),
        (order().model_copy(update={"learning_rates": tuple(range(1, MOST_LEARNING_RATES + 2))}),),
    ],
    ids=["time", "memory", "device", "another's data", "too many", "more seeds", "more learning rates"],
)
def test_a_process_can_order_no_more_than_its_job_was_granted(orders: tuple[TrialOrder, ...]) -> None:
    with pytest.raises(UnacceptableRoundError):
        trials_of(Round(draft=DRAFT, so_far=DRAFT.diagnosis, orders=orders), REQUEST)
