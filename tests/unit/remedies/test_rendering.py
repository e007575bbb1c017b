"""The trials as a person reads them in a terminal."""

import json

from rich.console import Console

from service.cli.render_trials import next_request, trials_block
from service.contract.diagnosis import Diagnosis
from service.contract.job import JobRequest
from tests.unit.remedies.drafts import HEALTH, ILLNESS, done, failed, ill, order, request
from workers.remedies.conclusion import conclude
from workers.remedies.rounds import begin

CURE = done(order("residual", "rezero"), [0.9, 0.91], rate=0.5)


def shown(diagnosis: Diagnosis) -> str:
    block = trials_block(diagnosis.model_dump())
    if block is None:
        return ""
    console = Console(width=150)
    with console.capture() as captured:
        console.print(block)
    return captured.get()


def test_each_trial_is_a_row_and_the_prescription_stands_below() -> None:
    text = shown(conclude(ill(CURE, done(order("batch_norm"), [0.1, 0.1], learned=False))))
    assert "residual (rezero)  gone, learns" in text
    assert "batch_norm         gone, does not learn" in text
    assert "prescription: residual (rezero)" in text


def test_a_combination_is_named_with_all_its_variants() -> None:
    both = done(order("batch_norm", also=("initialization (he)",)), [0.9, 0.9])
    assert "prescription: batch_norm + initialization (he)" in shown(conclude(ill(both)))


def test_without_a_prescription_it_says_what_came_of_it_and_why_trials_failed() -> None:
    text = shown(conclude(ill(failed(order("batch_norm"), "it ran out of memory"))))
    assert "no prescription: not tried" in text
    assert "batch_norm: failed: it ran out of memory" in text


def test_a_budget_that_did_not_cover_the_control_is_shown_without_any_trial() -> None:
    diagnosis = begin(request(budget={"steps": 1}), ILLNESS)
    assert isinstance(diagnosis, Diagnosis)
    assert "more than `remedies.budget` allows" in shown(diagnosis)


def test_a_job_without_remedies_shows_nothing_of_them() -> None:
    assert shown(HEALTH) == ""


def test_the_prescription_is_ready_to_be_posted() -> None:
    written = next_request(conclude(ill(CURE)).model_dump())
    assert written is not None
    assert JobRequest.model_validate(json.loads(written)).training.learning_rate == 0.5
