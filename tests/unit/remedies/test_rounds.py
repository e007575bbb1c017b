"""Which trials come next, and within what budget."""

from typing import Any

import pytest

from service.contract.diagnosis import Diagnosis
from tests.unit.remedies.drafts import (
    HEALTH,
    ILLNESS,
    RATE,
    SICK_CONTROL,
    diagnosed,
    done,
    failed,
    finding,
    healthy,
    ill,
    order,
    request,
)
from workers.remedies.messages import Draft, FinishedTrial, Round, TrialOrder
from workers.remedies.rounds import advance, begin

NORM, LAYER_NORM = order("batch_norm"), order("layer_norm")


def next_round(draft: Draft, **remedies: Any) -> Round:
    found = advance(request(**remedies), draft)
    assert isinstance(found, Round)
    return found


def end(draft: Draft, **remedies: Any) -> Diagnosis:
    found = advance(request(**remedies), draft)
    assert isinstance(found, Diagnosis)
    return found


def combined(draft: Draft) -> list[str]:
    return [ordered.title for ordered in next_round(draft).orders]


def futile(ordered: TrialOrder, metric: float, **given: Any) -> FinishedTrial:
    """A trial that got so far and cured nothing."""
    return done(ordered, [metric, metric], ill_in=(0, 1), learned=False, **given)


@pytest.mark.parametrize(
    ("diagnosis", "attempt"),
    [(ILLNESS, "none"), (HEALTH, "auto"), (diagnosed(finding("overfitting", "critical")), "auto")],
    ids=["none asked for", "healthy", "no remedy known"],
)
def test_a_job_that_calls_for_no_remedy_ends_with_its_diagnosis(diagnosis: Diagnosis, attempt: str) -> None:
    assert begin(request(**{"try": attempt}), diagnosis) is diagnosis


def test_the_control_gets_the_same_search_as_every_candidate() -> None:
    first = begin(request(), ILLNESS)
    assert isinstance(first, Round)
    (control,) = first.orders
    candidate = next_round(ill()).orders[0]
    assert (control.remedy, control.own_rate, candidate.own_rate) == ("control", True, False)
    assert control.learning_rates == candidate.learning_rates
    assert control.learning_rates[0] == RATE


def test_the_search_has_a_seed_that_is_not_measured() -> None:
    for ordered in next_round(ill()).orders:
        assert ordered.search_seed not in ordered.seeds
        assert request().training.seed not in (*ordered.seeds, ordered.search_seed)


def test_an_illness_that_does_not_show_again_ends_it_as_inconclusive() -> None:
    control = done(order(), [0.09, 0.9], ill_in=(0,))
    diagnosis = end(ill(control=control))
    assert diagnosis.remedies_outcome == "inconclusive"
    assert diagnosis.prescription is None


def test_a_control_that_is_clearly_better_at_another_learning_rate_has_that_tried_first() -> None:
    control = done(order(), [0.1, 0.1], tuned=(0.5, [0.8, 0.82]))
    first, *others = next_round(ill(control=control)).orders
    assert (first.remedy, first.learning_rates) == ("learning_rate", (0.5,))
    assert all(ordered.remedy != "learning_rate" for ordered in others)


def test_a_cure_is_made_once_more_from_the_jobs_own_seed_to_be_kept() -> None:
    (keeping,) = next_round(ill(done(NORM, [0.9, 0.9], rate=0.2))).orders
    assert (keeping.keep, keeping.seeds, keeping.learning_rates) == (True, (0,), (0.2,))
    assert keeping.title == "keeping batch_norm"


def test_after_that_it_ends() -> None:
    cure = done(NORM, [0.9, 0.9])
    (keeping,) = next_round(ill(cure)).orders
    assert end(ill(cure, done(keeping, [0.9]))).remedies_outcome == "cured"


def test_remedies_that_were_not_enough_are_combined_the_best_first() -> None:
    draft = ill(futile(NORM, 0.13), futile(order("initialization", "he"), 0.12), futile(order("relu"), 0.11))
    assert combined(draft)[0] == "initialization (he) + batch_norm"


def test_a_combination_is_made_on_what_the_first_made_at_its_best_learning_rate() -> None:
    draft = ill(futile(NORM, 0.13, rate=0.5), futile(order("initialization", "he"), 0.12))
    (both,) = next_round(draft).orders[:1]
    assert both.request.training.learning_rate == 0.5
    assert both.learning_rates[0] == 0.5
    assert both.also == ("batch_norm",)
    assert both.remedies == ("initialization", "batch_norm")
    assert NORM.description in both.description
    assert both.description != NORM.description


def test_no_combination_repeats_a_trial_under_another_name() -> None:
    draft = ill(futile(order("learning_rate"), 0.13, rate=RATE), futile(NORM, 0.12))
    tried = [(NORM.request.model, NORM.learning_rates)]
    found = [(ordered.request.model, ordered.learning_rates) for ordered in next_round(draft).orders]
    assert not [pair for pair in found if pair in tried]


def test_of_each_remedy_its_best_variant_is_combined() -> None:
    variants = [futile(order("initialization", v), 0.14 - 0.001 * n) for n, v in enumerate(["lsuv", "he"])]
    found = combined(ill(*variants, futile(NORM, 0.11)))
    assert found
    assert all("lsuv" in title and "batch_norm" in title for title in found)


def test_combinations_that_are_not_enough_either_end_it() -> None:
    both = order("batch_norm", also=("relu",))
    diagnosis = end(ill(futile(NORM, 0.12), futile(both, 0.13)))
    assert diagnosis.remedies_outcome == "no_cure"


def test_a_budget_that_does_not_cover_the_control_is_not_begun() -> None:
    diagnosis = begin(request(budget={"steps": 1}), ILLNESS)
    assert isinstance(diagnosis, Diagnosis)
    assert diagnosis.remedies_outcome == "not_tried"
    assert "budget" in (diagnosis.remedies_summary or "")


def test_what_the_budget_does_not_cover_is_skipped_under_its_name_and_variant() -> None:
    budget = {"steps": 100 * (SICK_CONTROL.order.most_runs + 7)}
    found = next_round(ill(), budget=budget)
    assert len(found.orders) == 1
    skipped = found.draft.not_tried
    assert ("residual", "plain", "skipped") in [(each.remedy, each.variant, each.status) for each in skipped]
    assert all(each.reason for each in skipped)


def test_steps_of_a_pretraining_count_against_the_budget() -> None:
    layers = [{"name": str(n), "op": "linear", "parameters": 42} for n in range(4)]
    diagnosis = Diagnosis.model_validate(ILLNESS.model_dump() | {"layers": layers})
    draft = Draft(diagnosis=diagnosis, finished=(SICK_CONTROL,))
    pretraining, *_ = next_round(draft, **{"try": ["layerwise_pretraining"]}).orders
    assert pretraining.steps_per_run == 100 + 4 * 100
    found = end(draft, **{"try": ["layerwise_pretraining"], "budget": {"steps": 2000}})
    assert [trial.status for trial in found.trials[1:]] == ["skipped", "skipped"]


def test_a_trial_is_given_the_seconds_that_are_left() -> None:
    spent = sum(run.seconds for run in SICK_CONTROL.result.runs)
    first, second, *_ = next_round(ill(), budget={"seconds": 60.0}).orders
    assert first.seconds == pytest.approx(60.0 - spent)
    assert second.seconds is not None
    assert second.seconds < 60.0 - spent


def test_a_trial_whose_process_was_lost_counts_as_if_it_had_made_all_its_runs() -> None:
    lost = failed(NORM, "out of memory")
    budget = {"steps": 100 * (len(SICK_CONTROL.result.runs) + NORM.runs + 6)}
    assert end(ill(lost), budget=budget).remedies_outcome == "not_tried"


def test_seconds_of_a_training_that_was_not_finished_are_spent_too() -> None:
    lost = failed(NORM, "its time was up", runs=SICK_CONTROL.result.runs[:1], seconds=50.0)
    spent = sum(run.seconds for run in SICK_CONTROL.result.runs) + 50.0
    (first, *_) = next_round(
        ill(lost, futile(LAYER_NORM, 0.1), futile(order("relu"), 0.1)), budget={"seconds": 500.0}
    ).orders
    assert first.seconds == pytest.approx(500.0 - spent - 2 * 5)


def test_a_listed_remedy_is_tried_on_a_healthy_network_too() -> None:
    found = next_round(healthy(), **{"try": ["residual"]})
    assert {ordered.remedy for ordered in found.orders} == {"residual"}
