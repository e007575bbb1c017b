"""One way of training, measured: which trainings are made, and what is told of them."""

from pathlib import Path
from typing import Any

import pytest

from service.contract.job import JobRequest, Progress
from tests.support.torch_threads import one_thread
from tests.unit.remedies.catalog.requests import FLATTEN, HEAD, Written, job, repeat
from workers.remedies.messages import TrialDone, TrialFailed, TrialOrder
from workers.remedies.trials import run_trial
from workers.remedies.trials import trial as trials

__all__ = ["one_thread"]

DIGITS: Written = {"kind": "builtin", "name": "digits"}
SHALLOW = (FLATTEN, {"op": "linear", "units": 16}, {"op": "activation", "function": "relu"}, HEAD)


def request(*layers: Written, **training: Any) -> JobRequest:
    given = {"steps": 60, "batch_size": 32, "learning_rate": 0.1, **training}
    return job(*(layers or SHALLOW), data=DIGITS, **given)


def order(given: JobRequest | None = None, **changes: Any) -> TrialOrder:
    fields: dict[str, Any] = {
        "number": 1, "remedy": "relu", "request": given or request(), "seeds": (1, 2),
        "learning_rates": (0.1,),
    }  # fmt: skip
    return TrialOrder(**(fields | changes))


def made(ordered: TrialOrder, **options: Any) -> TrialDone:
    result = run_trial(ordered, lambda _: None, **options)
    assert isinstance(result, TrialDone), result
    return result


def test_without_a_search_each_seed_is_trained_once_and_measured() -> None:
    result = made(order())
    assert [(run.seed, run.learning_rate) for run in result.runs] == [(1, 0.1), (2, 0.1)]
    assert result.measured.metric.values == [run.metric for run in result.runs]
    assert result.measured.learned is True


def test_the_learning_rate_is_searched_from_another_seed_and_used_with_all_seeds() -> None:
    result = made(order(learning_rates=(1e-4, 0.1, 1e-3)))
    search, measured = result.runs[:-2], result.runs[-2:]
    assert {run.seed for run in search} == {3}
    assert all(run.findings is None for run in search)
    assert [run.seed for run in measured] == [1, 2]
    assert {run.learning_rate for run in measured} == {result.measured.learning_rate}
    assert result.measured.learning_rate >= 0.1


def test_the_search_goes_on_beyond_a_range_that_is_too_low() -> None:
    result = made(order(learning_rates=(1e-4, 3e-4), seeds=(1,)))
    assert [run.learning_rate for run in result.runs] == pytest.approx(
        [1e-4, 3e-4, 3e-4 * 10**0.5, 3e-3, 3e-3], rel=1e-3
    )


def test_the_control_is_measured_at_its_own_learning_rate_and_compared_at_the_best() -> None:
    slow = request(learning_rate=1e-4)
    result = made(order(slow, own_rate=True, learning_rates=(1e-4, 0.1)))
    assert result.measured.learning_rate == 1e-4
    assert {run.learning_rate for run in result.runs if run.findings is not None} == {1e-4}
    tuned = result.measured.tuned
    assert tuned is not None
    assert tuned.learning_rate >= 0.1
    assert tuned.metric.mean is not None
    assert result.measured.metric.mean is not None
    assert tuned.metric.mean > result.measured.metric.mean + 0.2
    compared = [run for run in result.runs if run.learning_rate == tuned.learning_rate]
    assert [run.seed for run in compared] == [3, 1, 2]


def test_a_trial_that_diverges_at_every_learning_rate_fails_with_its_runs() -> None:
    wild = request(FLATTEN, {"op": "linear", "units": 16}, HEAD)
    result = run_trial(order(wild, learning_rates=(1e5, 1e6)), lambda _: None)
    assert isinstance(result, TrialFailed)
    assert "diverged" in result.reason
    assert len(result.runs) == 2
    assert not result.not_applicable


def test_a_network_that_cannot_be_built_is_no_trial() -> None:
    broken = request(truncate_time=3)
    result = run_trial(order(broken), lambda _: None)
    assert isinstance(result, TrialFailed)
    assert result.not_applicable
    assert result.runs == ()


def test_a_trial_whose_time_is_up_tells_of_the_runs_that_it_finished(monkeypatch: pytest.MonkeyPatch) -> None:
    ordered = order(seeds=(1, 2, 3), seconds=1000.0)

    def report(progress: Progress) -> None:
        if progress.step >= ordered.steps_per_run:  # the first run is done
            monkeypatch.setattr(trials, "TIME_MARGIN", -1.0)

    result = run_trial(ordered, report)
    assert isinstance(result, TrialFailed)
    assert "its time of 1e+03 seconds was up" in result.reason
    assert not result.not_applicable
    assert result.seconds >= sum(run.seconds for run in result.runs)
    assert 1 <= len(result.runs) < 3
    assert result.runs[0].metric is not None


def test_a_trial_whose_time_is_up_in_its_first_run_failed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(trials, "TIME_MARGIN", -1.0)
    result = run_trial(order(), lambda _: None)
    assert isinstance(result, TrialFailed)
    assert (result.runs, result.not_applicable) == ((), False)


def test_steps_are_told_of_all_runs_together() -> None:
    told: list[Progress] = []
    run_trial(order(), told.append)
    assert {progress.steps for progress in told} == {120}
    assert max(progress.step for progress in told) >= 60
    assert all(progress.step <= 120 for progress in told)


def test_the_network_of_the_first_seed_is_kept(tmp_path: Path) -> None:
    result = made(order(keep=True, seeds=(0,)), scratch=tmp_path)
    assert result.files == ("network.safetensors", "network.pt2")
    assert {file.name for file in tmp_path.iterdir()} == set(result.files)


def test_a_network_that_did_not_learn_is_not_kept(tmp_path: Path) -> None:
    block = repeat(12, {"op": "linear", "units": 16}, {"op": "activation", "function": "sigmoid"})
    result = made(order(request(FLATTEN, block, HEAD, steps=200), keep=True, seeds=(0,)), scratch=tmp_path)
    assert result.measured.learned is False
    assert result.files == ()
    assert "did not learn" in result.files_missing["network.pt2"]
    assert not list(tmp_path.iterdir())


def test_nothing_is_kept_of_a_trial_that_is_not_to_keep(tmp_path: Path) -> None:
    assert made(order(seeds=(0,)), scratch=tmp_path).files == ()
    assert not list(tmp_path.iterdir())
