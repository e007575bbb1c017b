"""What is said of the trials, and what is prescribed."""

from service.contract.diagnosis import Diagnosis
from service.contract.remedies import Prescription
from tests.unit.remedies.drafts import (
    ILL,
    ILLNESS,
    SICK_CONTROL,
    WELL_CONTROL,
    done,
    failed,
    healthy,
    ill,
    order,
)
from workers.remedies.conclusion import conclude, so_far
from workers.remedies.messages import Draft, FinishedTrial, NotTried, TrialDone

NORM, PLAIN, LSUV = order("batch_norm"), order("residual", "plain"), order("initialization", "lsuv")
CURE = done(NORM, [0.9, 0.91])


def keeping(*, learned: bool = True, missing: dict[str, str] | None = None) -> FinishedTrial:
    """The run that makes the network to keep."""
    ordered = NORM.model_copy(update={"keep": True, "seeds": (0,), "learning_rates": (0.05,)})
    made = done(ordered, [0.88 if learned else 0.1], learned=learned)
    assert isinstance(made.result, TrialDone)
    files = () if missing else ("network.safetensors", "network.pt2")
    result = made.result.model_copy(update={"files": files, "files_missing": missing or {}})
    return FinishedTrial(order=ordered, result=result)


def prescribed(draft: Draft) -> Prescription:
    found = conclude(draft).prescription
    assert found is not None
    return found


def summary(diagnosis: Diagnosis) -> str:
    assert diagnosis.remedies_summary is not None
    return diagnosis.remedies_summary


def test_the_control_comes_first_and_has_nothing_after_it() -> None:
    control, trial = conclude(ill(CURE)).trials
    assert control.remedy == "control"
    assert control.after is control.resolved is control.improvement is None
    assert trial.before == control.before
    assert (trial.resolved, trial.learned) == (True, True)


def test_a_cure_is_prescribed_with_what_it_did() -> None:
    diagnosis = conclude(ill(CURE))
    found = prescribed(ill(CURE))
    assert (diagnosis.remedies_outcome, diagnosis.remedies_summary) == ("cured", found.why)
    assert (found.remedies, found.title) == (["batch_norm"], "batch_norm")
    assert f"{ILL} is gone" in found.why
    assert "0.905 instead of 0.095" in found.why
    assert "improvement is 0.81 of accuracy" in found.why


def test_the_improvement_of_an_error_is_told_in_its_unit() -> None:
    given = {"name": "mean_squared_error", "chance": 2.0}
    draft = ill(done(NORM, [0.2, 0.2], **given), control=done(order(), [2.0, 1.9], **given))
    assert "of the variance explained" in prescribed(draft).why
    assert conclude(draft).trials[1].improvement_unit == "explained_variance"


def test_another_scale_of_the_targets_is_named_with_its_own_chance() -> None:
    control = done(order(), [5900.0, 5950.0], name="mean_squared_error", chance=6000.0)
    scaled = done(NORM, [0.5, 0.5], name="mean_squared_error", chance=1.0)
    assert "(1 by chance, 6e+03 before)" in prescribed(ill(scaled, control=control)).why


def test_what_is_still_found_with_a_cure_is_named() -> None:
    found = ["exploding_gradients", "slow_convergence"]
    trial = done(NORM, [0.9, 0.9], findings=found, critical=found[:1])
    assert "exploding_gradients (critical), slow_convergence" in prescribed(ill(trial)).why


def test_a_combination_is_prescribed_with_all_its_names() -> None:
    both = done(order("batch_norm", also=("initialization (he)",)), [0.9, 0.9])
    found = prescribed(ill(both))
    assert found.remedies == ["batch_norm", "initialization"]
    assert found.title == "batch_norm + initialization (he)"
    assert conclude(ill(both)).trials[1].also == ["initialization (he)"]


def test_others_that_worked_are_runners_up() -> None:
    found = prescribed(ill(CURE, done(LSUV, [0.9, 0.9])))
    assert (found.title, found.runners_up) == ("initialization (lsuv)", ["batch_norm"])
    assert "2 remedies worked; of those nearly as good as the best it changes least." in found.why


def test_the_kept_network_is_described_as_it_came_out() -> None:
    found = prescribed(ill(CURE, keeping()))
    assert found.files == ["network.safetensors", "network.pt2"]
    assert found.network is not None
    assert (found.network.seed, found.network.metric, found.network.learned) == (0, 0.88, True)


def test_files_that_are_missing_are_explained() -> None:
    missing = {"network.pt2": "torch.export cannot write this network: because"}
    found = prescribed(ill(CURE, keeping(learned=False, missing=missing)))
    assert (found.files, found.files_missing) == ([], missing)
    assert found.network is not None
    assert found.network.learned is False
    lost = prescribed(ill(CURE, failed(keeping().order, "it ran out of memory")))
    assert "it ran out of memory" in lost.files_missing["network.pt2"]


def test_the_run_to_keep_the_network_is_no_trial() -> None:
    assert len(conclude(ill(CURE, keeping())).trials) == 2


def test_until_the_first_trial_is_done_the_diagnosis_stands_alone() -> None:
    draft = Draft(diagnosis=ILLNESS)
    shown = so_far(draft)
    assert (shown.trials, shown.prescription, shown.remedies_outcome) == ([], None, "unfinished")
    assert shown.findings == draft.diagnosis.findings
    assert summary(shown) == "Unfinished: 0 trials made so far."


def test_between_rounds_the_trials_so_far_are_shown() -> None:
    shown = so_far(ill(done(PLAIN, [0.1, 0.1], ill_in=(0, 1), learned=False)))
    assert [trial.remedy for trial in shown.trials] == ["control", "residual"]
    assert (shown.prescription, shown.remedies_outcome) == (None, "unfinished")
    assert summary(shown) == "Unfinished: 2 trials made so far."


def test_a_cure_is_prescribed_before_its_network_is_made() -> None:
    shown = so_far(ill(CURE))
    assert shown.remedies_outcome == "unfinished"
    assert shown.prescription is not None
    assert (shown.prescription.remedies, shown.prescription.files) == (["batch_norm"], [])
    assert "not finished" in shown.prescription.files_missing["network.pt2"]
    assert "batch_norm worked" in summary(shown)


def test_for_a_healthy_network_noise_is_no_prescription() -> None:
    diagnosis = conclude(healthy(done(PLAIN, [0.940, 0.963])))
    assert (diagnosis.remedies_outcome, diagnosis.prescription) == ("nothing_to_cure", None)
    assert summary(diagnosis) == (
        "There is nothing to cure: the only trial was not better beyond the uncertainty."
    )


def test_for_a_healthy_network_something_clearly_better_is_prescribed() -> None:
    control = done(WELL_CONTROL.order, [0.85, 0.852], ill_in=(), learned=True)
    found = prescribed(healthy(done(PLAIN, [0.998, 0.999]), control=control))
    assert "the network is better" in found.why


def test_an_illness_that_does_not_show_again_is_told_from_no_cure() -> None:
    diagnosis = conclude(ill(control=done(order(), [0.09, 0.9], ill_in=(0,))))
    assert diagnosis.remedies_outcome == "inconclusive"
    assert f"does not show {ILL} again" in summary(diagnosis)
    broken = conclude(ill(control=failed(order(), "it diverged")))
    assert broken.remedies_outcome == "inconclusive"
    assert "it diverged" in summary(broken)


def test_trials_that_failed_are_counted_apart() -> None:
    futile = done(PLAIN, [0.1, 0.1], ill_in=(0, 1), learned=False)
    diagnosis = conclude(ill(futile, done(LSUV, [0.1, 0.1], learned=False), failed(NORM)))
    assert diagnosis.remedies_outcome == "no_cure"
    assert "none of 2 trials was one, and 1 other could not be finished" in summary(diagnosis)


def test_where_no_trial_came_to_a_result_nothing_was_tried() -> None:
    assert conclude(ill(failed(NORM))).remedies_outcome == "not_tried"


def test_what_was_left_out_keeps_its_name_variant_and_reason() -> None:
    left = NotTried(remedy="residual", variant="rezero", status="skipped", reason="the budget is used up")
    draft = Draft(diagnosis=ill().diagnosis, finished=(SICK_CONTROL,), not_tried=(left,))
    trial = conclude(draft).trials[-1]
    assert (trial.remedy, trial.variant, trial.status) == ("residual", "rezero", "skipped")
    assert trial.reason == "the budget is used up"


def test_the_advice_of_what_to_try_gives_way_to_what_was_tried() -> None:
    (before,) = ill().diagnosis.findings
    assert "Worth trying first: `residual`" in before.explanation
    (after,) = conclude(ill(CURE)).findings
    assert after.explanation == "It is so. 1 trial of remedies: see `trials`. `batch_norm` is prescribed."


def test_the_advice_stands_while_nothing_was_tried() -> None:
    draft = ill(control=done(order(), [0.09, 0.9], ill_in=(0,)))
    assert conclude(draft).findings == draft.diagnosis.findings


def test_a_tuned_control_is_named_where_it_is_what_a_cure_is_held_against() -> None:
    control = done(order(), [0.1, 0.1], tuned=(0.5, [0.3, 0.3]))
    assert (
        "0.905 instead of 0.3 at its best learning rate 0.5 (" in prescribed(ill(CURE, control=control)).why
    )
