"""Whole runs: what is examined when, and that the run neither sees nor feels it."""

import copy
import dataclasses
import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from tests.unit.probes.networks import NETWORKS, TinyData, layer_infos, lstm, mlp, seeded
from tests.unit.training.test_train_and_probe import run, run_bare
from workers.examination import overfitting
from workers.examination.cost import cost, flops_per_sample, peak_flops
from workers.examination.examiner import Examiner
from workers.examination.subject import Subject, choose_samples
from workers.probes.trace import Examination, ParameterInfo, Trace

CPU = torch.device("cpu")


class Gate(nn.Module):
    """A block behind a gate that starts closed, as in ReZero."""

    def __init__(self) -> None:
        super().__init__()
        self.inner, self.gain = nn.Linear(12, 12), nn.Parameter(torch.zeros(()))

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.gain * torch.tanh(self.inner(inputs))


class Detach(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.detach()


class Moody(nn.Linear):
    """Refuses what it is not used to: batches other than the training's."""

    def forward(self, inputs: Tensor) -> Tensor:
        if torch.is_grad_enabled() and len(inputs) not in (32, 640):
            raise RuntimeError("not of this size")
        output: Tensor = super().forward(inputs)
        return output


def unknown(examination: Examination) -> set[str]:
    """What it does not say."""
    return {name for name, value in dataclasses.asdict(examination).items() if not math.isfinite(value)}


def by_name(trace: Trace) -> dict[str, ParameterInfo]:
    return {parameter.name: parameter for parameter in trace.parameters}


@pytest.mark.usefixtures("nothing_fails")
@pytest.mark.parametrize("name", NETWORKS)
def test_an_examined_run_ends_with_the_weights_of_a_bare_one_and_everything_is_known(name: str) -> None:
    build, shape = NETWORKS[name]
    examined, bare, data = seeded(build), seeded(build), TinyData.of(shape)
    trace = run(examined, data, optimizer="adam", steps=6)
    run_bare(bare, data, optimizer="adam", steps=6)
    for key, value in examined.state_dict().items():
        assert torch.equal(value, bare.state_dict()[key]), key
    assert [examination.step for examination in trace.examinations] == [0, 6]
    assert [unknown(examination) for examination in trace.examinations] == [set(), {"overfit_ratio"}]
    assert trace.data_check is not None
    assert trace.cost is not None
    assert [parameter.name for parameter in trace.parameters] == [n for n, _ in bare.named_parameters()]


def test_what_is_drawn_before_and_after_an_examination_is_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    data, losses = TinyData.of((12,)), []
    for examined in (True, False):
        if not examined:
            monkeypatch.setattr(Examiner, "examine", lambda _self, step: Examination(step, *[math.nan] * 13))
        losses.append(run(seeded(mlp), data, steps=12).loss)  # with dropout
    np.testing.assert_array_equal(*losses)


def test_examinations_are_reproducible() -> None:
    first, second = (run(seeded(mlp), TinyData.of((12,)), steps=5) for _ in range(2))
    assert first.examinations == second.examinations
    assert first.data_check == second.data_check
    assert first.parameters == second.parameters


@pytest.mark.usefixtures("nothing_fails")
def test_a_run_without_steps_gets_a_cheap_first_look(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overfitting, "STEPS", None)  # would fail
    trace = run(seeded(mlp), TinyData.of((12,)), steps=0)
    (examination,) = trace.examinations
    assert unknown(examination) == {"overfit_ratio"}
    assert trace.data_check is not None
    assert math.isnan(trace.data_check.neighbour_score)
    assert math.isfinite(trace.data_check.input_scale)
    assert trace.cost is None
    assert all(parameter.reached and parameter.trained for parameter in trace.parameters)


@pytest.mark.parametrize("steps", [0, 4])
def test_a_gate_that_starts_closed_opens_and_dead_units_do_not(steps: int) -> None:
    dead = nn.Linear(12, 12)
    nn.init.constant_(dead.bias, -50.0)
    torch.manual_seed(0)
    network = nn.Sequential(Gate(), nn.Linear(12, 4))
    found = by_name(run(network, TinyData.of((12,)), steps=steps))
    assert found["0.inner.weight"].zero_at_start
    assert not found["0.inner.weight"].zero_later
    assert not found["0.gain"].zero_at_start
    network = nn.Sequential(nn.Linear(12, 12), nn.Tanh(), dead, nn.ReLU(), nn.Linear(12, 4))
    found = by_name(run(network, TinyData.of((12,)), steps=steps))
    assert {name for name, p in found.items() if p.zero_at_start} == set(found) - {"4.bias"}
    assert {name for name, p in found.items() if p.zero_later} == set(found) - {"4.bias"}


def test_frozen_and_disconnected_parameters_are_told_apart() -> None:
    network = nn.Sequential(
        nn.Linear(12, 8), nn.Tanh(), Detach(), nn.Linear(8, 8), nn.Tanh(), nn.Linear(8, 4)
    )
    network[3].weight.requires_grad_(False)
    found = by_name(run(network, TinyData.of((12,)), steps=2))
    assert {n for n, p in found.items() if not p.trained} == {"3.weight"}
    assert {n for n, p in found.items() if not p.reached} == {"0.weight", "0.bias", "3.weight"}
    assert not any(p.zero_at_start for p in found.values())
    assert {p.layer for p in found.values()} == {"0", "3", "5"}


def test_an_experiment_that_fails_gives_nan_and_a_line_in_the_log(caplog: pytest.LogCaptureFixture) -> None:
    network = nn.Sequential(Moody(12, 8), nn.Tanh(), nn.Linear(8, 4))
    trace = run(network, TinyData.of((12,)), steps=3)
    assert len(trace.loss) == 3
    assert math.isnan(trace.examinations[0].error_level)
    assert math.isnan(trace.examinations[0].line_search_gain)
    assert "not of this size" in caplog.text


def test_a_network_that_diverged_is_examined_without_an_error() -> None:
    network = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    trace = run(network, TinyData.of((12,)), learning_rate=1e6, steps=500)
    before, after = trace.examinations
    assert math.isfinite(before.overfit_ratio)
    assert not math.isfinite(after.loss)
    assert math.isnan(after.line_search_gain)


def test_the_time_of_examinations_is_not_the_runs() -> None:
    trace = run(seeded(mlp), TinyData.of((12,)), steps=3)
    assert trace.run.examination_seconds > trace.run.seconds > 0.0


def test_everything_survives_saving(tmp_path: Path) -> None:
    trace = run(seeded(mlp), TinyData.of((12,)), steps=2)
    trace.save(tmp_path / "trace.npz")
    loaded = Trace.load(tmp_path / "trace.npz")
    np.testing.assert_equal(_plain(loaded), _plain(trace))


def test_a_trace_of_the_first_format_is_read(tmp_path: Path) -> None:
    path = tmp_path / "trace.npz"
    run(seeded(mlp), TinyData.of((12,)), steps=2).save(path)
    with np.load(path) as archive:
        arrays = dict(archive)
    header = json.loads(str(arrays["header"])) | {"format_version": 1}
    for later in ("examinations", "data_check", "parameters", "cost"):
        del header[later]
    del header["run"]["examination_seconds"]
    np.savez(path, **arrays | {"header": np.array(json.dumps(header))})
    loaded = Trace.load(path)
    assert loaded.examinations == loaded.parameters == ()
    assert loaded.data_check is None
    assert loaded.cost is None


def test_operations_are_those_counted_by_hand() -> None:
    network = nn.Sequential(nn.Linear(10, 20), nn.Tanh(), nn.Linear(20, 3))
    per_layer = [2 * 10 * 20 * 2, 2 * 20 * 3 * 3]  # products: forward, for the weights, for the inputs
    assert flops_per_sample(_subject(network, (10,))) == sum(per_layer)
    gates = 4 * 8
    forward = [6 * 2 * gates * (5 + 8), 6 * 2 * gates * (8 + 8), 2 * 8 * 4]
    not_for = 6 * 2 * gates * 5 + 2 * 2 * gates * 8  # the gradients of the inputs, and of the initial states
    assert flops_per_sample(_subject(seeded(lstm), (6, 5))) == 3 * sum(forward) - not_for
    assert torch.backends.mkldnn.enabled


def test_the_time_of_a_step_is_split_and_measured_steps_are_left_out() -> None:
    parts = np.array([[9.0, 9, 9, 9], [2, 7, 1, 7], [50, 7, 50, 7], [4, 7, 3, 7]])
    found = cost(parts, [9.0, 1.0, 50.0, 3.0, 1.0], {2}, flops=70.0, peak=1e9, denormal=0.25)
    assert (found.data_seconds, found.compute_seconds, found.optimizer_seconds) == (2.0, 3.0, 2.0)
    assert found.achieved_flops == pytest.approx(10.0)
    assert found.denormal_share == 0.25


def test_a_device_reaches_its_peak_more_or_less_and_is_measured_once() -> None:
    first = peak_flops(CPU)
    assert 1e8 < first < 1e14
    assert peak_flops(CPU) == first


def test_tiny_gradients_are_denormal() -> None:
    network = nn.Sequential(*[nn.Linear(12, 12) for _ in range(24)], nn.Linear(12, 4))
    with torch.no_grad():
        for layer in network[:-1]:
            assert isinstance(layer, nn.Linear)
            layer.weight.mul_(0.03)
    healthy = run(seeded(mlp), TinyData.of((12,)), steps=1).cost
    tiny = run(network, TinyData.of((12,)), steps=1).cost
    assert healthy is not None
    assert tiny is not None
    assert healthy.denormal_share == 0.0
    assert tiny.denormal_share > 0.01


def _subject(network: nn.Module, shape: tuple[int, ...]) -> Subject:
    inputs, targets = torch.randn(8, *shape), torch.arange(8) % 3
    layers = layer_infos(network)
    return Subject(copy.deepcopy(network), layers, inputs, targets, "classification", 4, "cross_entropy", 0)


def _plain(trace: Trace) -> list[Any]:
    kept = (*trace.examinations, trace.data_check, *trace.parameters, trace.cost, trace.run)
    return [dataclasses.asdict(part) for part in kept if part is not None]


@pytest.mark.parametrize(("flops", "expected"), [(1e3, 256), (2e7, 100), (1e12, 32), (math.nan, 256)])
def test_fewer_samples_are_examined_of_networks_that_need_more_operations(
    flops: float, expected: int
) -> None:
    inputs, targets = choose_samples(TinyData.of((12,)), layer_infos(seeded(mlp)), flops, 0, CPU)
    assert len(inputs) == len(targets) == expected


def test_slow_networks_are_not_overfitted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(overfitting, "SLOW_STEP", 0.0)
    trace = run(seeded(mlp), TinyData.of((12,)), steps=2)
    assert all(math.isnan(examination.overfit_ratio) for examination in trace.examinations)
    assert all(math.isfinite(examination.line_search_gain) for examination in trace.examinations)
