"""What trials show beside the control, and which cure comes first."""

from typing import Any

import pytest

from tests.unit.remedies.drafts import (
    ILL,
    SICK_CONTROL,
    diagnosed,
    done,
    failed,
    finding,
    healthy,
    ill,
    measured,
    order,
)
from workers.remedies.judgement import (
    best_without,
    better_tuned,
    cures,
    improvement,
    ranked_by_progress,
    reproduced,
    targets,
    worked,
)
from workers.remedies.messages import Draft, TrialDone

PLAIN, REZERO = order("residual", "plain"), order("residual", "rezero")
TANH, GELU = order("activation", "tanh"), order("activation", "gelu")
LSUV, NORM = order("initialization", "lsuv"), order("batch_norm")
SICK_ERROR = {"name": "mean_squared_error", "chance": 6000.0}


def titles(draft: Draft) -> list[str]:
    return [trial.order.title for trial in cures(draft)]


def test_an_illness_that_is_gone_in_a_network_that_learns_is_cured() -> None:
    trial = done(NORM, [0.9, 0.91])
    assert worked(ill(trial), trial)


@pytest.mark.parametrize(
    "given", [{"ill_in": (0,)}, {"learned": False}, {"learned": None}], ids=["still ill", "fails", "unknown"]
)
def test_it_is_no_cure_if_one_seed_is_still_ill_or_the_network_does_not_learn(given: dict[str, Any]) -> None:
    trial = done(NORM, [0.9, 0.91], **given)
    assert not worked(ill(trial), trial)


def test_a_failed_trial_is_no_cure() -> None:
    trial = failed(NORM)
    assert not worked(ill(trial), trial)
    assert improvement(ill(trial), trial) is None


def test_a_network_that_becomes_clearly_worse_is_not_cured() -> None:
    control = done(order(), [0.90, 0.91], learned=True)
    worse, similar = done(NORM, [0.60, 0.61]), done(NORM, [0.89, 0.91])
    assert not worked(ill(worse, control=control), worse)
    assert worked(ill(similar, control=control), similar)


def test_where_there_is_nothing_to_cure_a_difference_within_the_noise_is_none() -> None:
    noise, better = done(PLAIN, [0.940, 0.963]), done(PLAIN, [0.998, 0.999])
    control = done(order(), [0.850, 0.852], ill_in=(), learned=True)
    assert not worked(healthy(noise), noise)
    assert worked(healthy(better, control=control), better)


def test_an_illness_must_show_in_more_than_half_of_the_controls_seeds() -> None:
    half = done(order(), [0.09, 0.5], ill_in=(0,))
    assert not reproduced(ill(control=half))
    assert reproduced(ill(control=SICK_CONTROL))
    assert not reproduced(ill(control=failed(order())))


def test_findings_that_no_remedy_is_known_for_are_no_target() -> None:
    found = diagnosed(finding("overfitting", "critical"), finding(ILL, "warning", "residual"))
    assert targets(Draft(diagnosis=found)) == [ILL]


def test_improvements_of_errors_are_shares_of_the_variance_whatever_its_scale() -> None:
    control = done(order(), [5900.0, 5950.0], **SICK_ERROR)
    scaled = done(NORM, [0.5, 0.5], name="mean_squared_error", chance=1.0)
    gain = improvement(ill(scaled, control=control), scaled)
    assert gain is not None
    assert gain.mean == pytest.approx(0.5 - (1 - 5925 / 6000))


def test_improvement_is_over_the_control_at_its_best_learning_rate() -> None:
    control = done(order(), [0.1, 0.1], tuned=(0.5, [0.6, 0.7]))
    trial = done(NORM, [0.9, 0.9])
    gain = improvement(ill(trial, control=control), trial)
    assert gain is not None
    assert gain.mean == pytest.approx(0.25)


def test_of_errors_the_better_control_is_the_one_with_less() -> None:
    control = done(order(), [5900.0, 5950.0], tuned=(0.5, [3000.0, 3000.0]), **SICK_ERROR)
    trial = done(NORM, [600.0, 600.0], **SICK_ERROR)
    gain = improvement(ill(trial, control=control), trial)
    assert gain is not None
    assert gain.mean == pytest.approx(0.4)


def test_a_tuned_control_that_is_no_better_is_not_what_improvements_are_over() -> None:
    control = done(order(), [0.0842592, 0.0842592], tuned=(0.5, [0.08425926, 0.08425926]))
    before = control.result.measured if isinstance(control.result, TrialDone) else None
    assert before is not None
    assert best_without(before) is before.metric


def test_a_learning_rate_counts_as_better_beyond_the_uncertainty_only() -> None:
    clearly = done(order(), [0.1, 0.1], tuned=(0.5, [0.6, 0.62]))
    hardly = done(order(), [0.1, 0.1], tuned=(0.5, [0.1, 0.11]))
    assert better_tuned(ill(control=clearly)) == 0.5
    assert better_tuned(ill(control=hardly)) is None
    assert better_tuned(ill()) is None


def test_the_least_invasive_cure_comes_first() -> None:
    draft = ill(done(NORM, [0.95, 0.95]), done(LSUV, [0.9, 0.9]), done(REZERO, [0.97, 0.97]))
    assert titles(draft) == ["initialization (lsuv)", "batch_norm", "residual (rezero)"]


def test_a_cure_that_comes_much_less_far_than_another_comes_last() -> None:
    draft = ill(done(LSUV, [0.3, 0.3]), done(NORM, [0.95, 0.95]))
    assert titles(draft) == ["batch_norm", "initialization (lsuv)"]


def test_a_cure_after_which_something_critical_is_found_comes_after_those_without() -> None:
    explodes = done(LSUV, [0.9, 0.9], findings=["exploding_gradients"], critical=["exploding_gradients"])
    draft = ill(explodes, done(REZERO, [0.8, 0.8]))
    assert titles(draft) == ["residual (rezero)", "initialization (lsuv)"]


def test_a_tenth_of_a_millisecond_decides_nothing() -> None:
    slower, better = done(TANH, [0.90, 0.90]), done(GELU, [0.95, 0.95], seconds_per_step=1.4e-3)
    assert titles(ill(slower, better)) == ["activation (gelu)", "activation (tanh)"]


def test_of_equally_invasive_cures_the_one_with_fewer_operations_comes_first() -> None:
    dear, cheap = done(GELU, [0.95, 0.95], flops_per_step=2e6), done(TANH, [0.90, 0.90])
    assert titles(ill(dear, cheap)) == ["activation (tanh)", "activation (gelu)"]


def test_steps_of_a_pretraining_count_as_cost() -> None:
    dear, cheap = done(GELU, [0.95, 0.95], extra_steps=100), done(TANH, [0.90, 0.90])
    assert titles(ill(dear, cheap)) == ["activation (tanh)", "activation (gelu)"]


def test_without_operations_seconds_count_where_they_differ_clearly() -> None:
    unknown: dict[str, Any] = {"flops_per_step": None}
    better = done(GELU, [0.95, 0.95], seconds_per_step=1.4e-3, **unknown)
    much_slower = done(GELU, [0.95, 0.95], seconds_per_step=2e-3, **unknown)
    plain = done(TANH, [0.90, 0.90], **unknown)
    assert titles(ill(better, plain))[0] == "activation (gelu)"
    assert titles(ill(much_slower, plain))[0] == "activation (tanh)"


def test_the_farthest_trials_come_first_with_the_illness_gone_before_those_that_are_ill() -> None:
    still = done(PLAIN, [0.5, 0.5], ill_in=(0, 1), learned=False)
    gone = done(NORM, [0.2, 0.2], learned=False)
    ranked = ranked_by_progress(ill(still, gone, failed(TANH)))
    assert [trial.order.remedy for trial in ranked] == ["batch_norm", "residual"]


def test_a_value_that_is_not_finite_leaves_the_improvement_open() -> None:
    assert measured([None, 0.5]).metric.mean is None
    trial = done(NORM, [None, 0.5])
    assert improvement(ill(trial), trial) is None
