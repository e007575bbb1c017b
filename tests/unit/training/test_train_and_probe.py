"""Whole runs: what training does, and that probing does not change it."""

import copy
import gzip
import json
import math
import weakref
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from service.contract.training_plan import ProbePlan, TrainingPlan
from tests.unit.probes.networks import NETWORKS, TinyData, layer_infos, mlp, seeded
from workers.probes import capture
from workers.probes.trace import Trace
from workers.training import TrainingError, train_and_probe
from workers.training.batches import Batches
from workers.training.clock import Clock
from workers.training.loop import Loop, Unwatched
from workers.training.losses import loss_function
from workers.training.optimizers import build_optimizer
from workers.training.precision import Precision

CPU = torch.device("cpu")


def ignore(_step: int, _loss: float | None) -> None:
    pass


def run(network: nn.Module, data: TinyData, probe: ProbePlan | None = None, **training: object) -> Trace:
    plan = TrainingPlan.model_validate({"steps": 20, "batch_size": 32, **training})
    layers = layer_infos(network)
    return train_and_probe(network, layers, data, plan, probe or ProbePlan(), "cross_entropy", CPU, ignore)


def run_bare(network: nn.Module, data: TinyData, **training: object) -> None:
    plan = TrainingPlan.model_validate({"steps": 20, "batch_size": 32, **training})
    torch.manual_seed(plan.seed)
    batches = Batches(data.train_inputs, data.train_targets, plan.batch_size, plan.seed, CPU)
    loop = Loop(
        network, plan, build_optimizer(network, plan), loss_function("cross_entropy"), Precision(plan, CPU)
    )
    loop.run(iter(batches), Unwatched(), ignore, Clock(CPU))


@pytest.mark.parametrize("kept_bytes", [2**40, -1], ids=["kept", "hooked"])
@pytest.mark.parametrize("name", NETWORKS)
def test_a_probed_run_ends_with_the_weights_of_a_bare_one_bit_by_bit(
    name: str, kept_bytes: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(capture, "KEPT_BYTES", {"cpu": kept_bytes})
    build, shape = NETWORKS[name]
    probed, bare, data = seeded(build), seeded(build), TinyData.of(shape)
    settings = {"optimizer": "adam", "clip_grad_norm": 0.5}
    run(probed, data, ProbePlan(every=2), **settings)
    run_bare(bare, data, **settings)
    untrained = seeded(build).state_dict()
    for key, value in probed.state_dict().items():
        assert torch.equal(value, bare.state_dict()[key]), key
    assert not all(torch.equal(v, untrained[k]) for k, v in probed.state_dict().items())


def test_the_same_seed_gives_the_same_series_bit_by_bit() -> None:
    first, second = (run(seeded(mlp), TinyData.of((12,))) for _ in range(2))
    assert set(first.series) == set(second.series)
    for name, series in first.series.items():
        np.testing.assert_array_equal(series.values, second.series[name].values)
    np.testing.assert_array_equal(first.loss, second.loss)


def test_another_seed_gives_other_batches() -> None:
    first, second = (run(seeded(mlp), TinyData.of((12,)), seed=seed) for seed in (0, 1))
    assert (first.loss != second.loss).any()


@pytest.mark.parametrize("optimizer", ["sgd", "adam", "adamw", "rmsprop"])
def test_every_optimizer_learns(optimizer: str) -> None:
    network = nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 4))
    trace = run(network, TinyData.of((12,)), optimizer=optimizer, steps=150, learning_rate=0.02)
    assert trace.evaluation is not None
    assert trace.evaluation.after_on_training_data > 0.6 > trace.evaluation.before
    assert trace.evaluation.samples == 320
    assert trace.loss[-1] < trace.loss[0]


@pytest.mark.parametrize(
    ("precision", "scaling"), [("bfloat16", True), ("float16", True), ("float16", False)]
)
def test_low_precision_measures_about_the_same_gradients(precision: str, scaling: bool) -> None:
    data = TinyData.of((12,))
    low = run(seeded(mlp), data, ProbePlan(every=1), precision=precision, loss_scaling=scaling, steps=3)
    full = run(seeded(mlp), data, ProbePlan(every=1), steps=3)
    for name in ("backpropagated.norm", "gradient.norm", "activation.norm", "backpropagated.std"):
        np.testing.assert_allclose(low.series[name].values[0], full.series[name].values[0], rtol=0.1)
    assert low.total_gradient_norm[0] == pytest.approx(full.total_gradient_norm[0], rel=0.05)


def test_steps_that_a_loss_scale_made_overflow_are_not_taken_for_explosions() -> None:
    network = seeded(mlp)
    with torch.no_grad():
        network[7].weight.mul_(500.0)  # gradients x 65536 exceed float16 at first
    trace = run(network, TinyData.of((12,)), ProbePlan(every=1), precision="float16", steps=15)
    total = trace.total_gradient_norm
    assert math.isnan(total[0])
    assert np.isfinite(total[-1])
    skipped = np.isnan(total)
    assert np.isnan(trace.series["backpropagated.norm"].values[skipped]).all()
    assert np.isfinite(trace.series["activation.norm"].values).all()


def test_no_steps_measures_the_network_at_initialisation_and_leaves_it() -> None:
    network, data = seeded(mlp), TinyData.of((12,))
    before = copy.deepcopy(network.state_dict())
    trace = run(network, data, steps=0)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())
    assert len(trace.loss) == len(trace.total_gradient_norm) == len(trace.step_seconds) == 1
    assert trace.series["backward.gain"].steps.tolist() == [0]
    assert trace.evaluation is not None
    assert trace.evaluation.before == trace.evaluation.after


def test_a_loss_that_is_not_finite_ends_the_run_and_keeps_what_was_measured(tmp_path: Path) -> None:
    network = nn.Sequential(nn.Linear(12, 16), nn.ReLU(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 4))
    trace = run(network, TinyData.of((12,)), ProbePlan(every=1), learning_rate=1e6, steps=500)
    assert trace.run.stopped_early == "non_finite_loss"
    assert 1 < len(trace.loss) < 100
    assert np.isfinite(trace.loss[:-1]).all()
    assert not np.isfinite(trace.loss[-1])
    assert trace.series["gradient.norm"].steps[-1] == len(trace.loss) - 1
    assert np.isfinite(trace.series["backpropagated.norm"].values[0]).all()
    trace.save(tmp_path / "trace.npz")
    trace.save_json(tmp_path / "trace.json.gz")
    loaded = Trace.load(tmp_path / "trace.npz")
    assert loaded.evaluation is not None
    assert trace.evaluation is not None
    np.testing.assert_equal(loaded.evaluation.after, trace.evaluation.after)
    with gzip.open(tmp_path / "trace.json.gz", "rt") as file:
        assert "NaN" not in file.read()
    with np.load(tmp_path / "trace.npz") as archive:
        json.loads(str(archive["header"]), parse_constant=pytest.fail)


def test_the_total_gradient_norm_is_the_one_before_clipping() -> None:
    data = TinyData.of((12,))
    clipped = run(seeded(mlp), data, clip_grad_norm=1e-3, steps=2)
    free = run(seeded(mlp), data, steps=2)
    assert clipped.total_gradient_norm[0] == pytest.approx(free.total_gradient_norm[0])
    ratio, free_ratio = (t.series["update.ratio"].values[0, 0] for t in (clipped, free))
    assert ratio < 0.1 * free_ratio


def test_an_exception_from_the_report_ends_the_run_with_all_hooks_removed() -> None:
    class StopError(Exception):
        pass

    def stop(_step: int, _loss: float | None) -> None:
        raise StopError

    network, data = seeded(mlp), TinyData.of((12,))
    plan = TrainingPlan(steps=10)
    with pytest.raises(StopError):
        train_and_probe(network, layer_infos(network), data, plan, ProbePlan(), "cross_entropy", CPU, stop)
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in network.modules())


@pytest.mark.parametrize("kept_bytes", [2**40, -1], ids=["kept", "hooked"])
def test_no_tensor_of_a_step_outlives_it(kept_bytes: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(capture, "KEPT_BYTES", {"cpu": kept_bytes})
    alive: list[weakref.ref[Tensor]] = []
    most = 0

    class Watched(nn.Linear):
        def forward(self, inputs: Tensor) -> Tensor:
            nonlocal most
            most = max(most, sum(ref() is not None for ref in alive))
            output: Tensor = super().forward(inputs)
            alive.append(weakref.ref(output))
            return output

    network = nn.Sequential(Watched(12, 16), nn.Tanh(), nn.Linear(16, 4))
    layers = layer_infos(network)
    plan, data = TrainingPlan(steps=40), TinyData.of((12,))
    train_and_probe(network, layers, data, plan, ProbePlan(every=1), "cross_entropy", CPU, ignore)
    assert len(alive) > 40
    assert most <= 1


@pytest.mark.parametrize("loss", ["mse", "bce_with_logits"])
@pytest.mark.parametrize("outputs", [1, 4])
def test_targets_are_brought_into_the_losses_shape(loss: str, outputs: int) -> None:
    classes = torch.tensor([0, 1, 1])
    value = loss_function(loss)(torch.zeros(3, outputs), classes)
    one_hot = np.eye(outputs)[classes] if outputs > 1 else classes.numpy()[:, None].astype(float)
    expected = (one_hot**2).mean() if loss == "mse" else math.log(2)
    assert float(value) == pytest.approx(expected, rel=1e-6)


def test_targets_that_do_not_fit_are_refused() -> None:
    with pytest.raises(TrainingError, match="do not fit"):
        loss_function("mse")(torch.zeros(3, 2), torch.zeros(3, 5))


def test_an_operation_without_an_implementation_in_a_format_is_explained() -> None:
    class NoHalf(nn.Module):
        def forward(self, inputs: Tensor) -> Tensor:
            if torch.is_autocast_enabled("cpu"):
                raise RuntimeError("\"histogram_cpu\" not implemented for 'Half'")
            return inputs

    network = nn.Sequential(nn.Linear(12, 4), NoHalf())
    with pytest.raises(TrainingError, match="precision float16 does not work"):
        run(network, TinyData.of((12,)), precision="float16")


def test_a_network_without_parameters_is_refused() -> None:
    with pytest.raises(TrainingError, match="no trainable parameters"):
        run(nn.Sequential(nn.Flatten()), TinyData.of((4,)))


def test_the_trace_tells_the_circumstances_that_explain_a_run() -> None:
    made = run(seeded(mlp), TinyData.of((12,)), optimizer="sgd", momentum=0.9, weight_decay=0.01, steps=2).run

    assert (made.momentum, made.weight_decay, made.loss) == (0.9, 0.01, "cross_entropy")
    adam = run(seeded(mlp), TinyData.of((12,)), optimizer="adam", steps=2)
    assert adam.run.momentum is None, "it has its own"


def test_an_output_that_is_always_the_same_is_one_answer() -> None:
    network = nn.Sequential(nn.Linear(12, 4))
    nn.init.zeros_(network[0].weight)

    constant = run(network, TinyData.of((12,)), steps=1, learning_rate=1e-30).evaluation
    varied = run(nn.Sequential(nn.Linear(12, 4)), TinyData.of((12,)), steps=1, learning_rate=1e-30).evaluation

    assert constant is not None
    assert constant.largest_answer_share == 1.0
    assert varied is not None
    assert 0.25 <= varied.largest_answer_share < 1.0


def test_dead_units_are_measured_before_and_after_training() -> None:
    series = run(seeded(mlp), TinyData.of((12,))).series["activation.dead_units"]
    assert series.steps.tolist() == [0, 20]
    assert np.isfinite(series.values).any(axis=1).all()


def test_recurrent_layers_get_a_profile_through_time() -> None:
    build, shape = NETWORKS["rnn"]
    trace = run(seeded(build), TinyData.of(shape))
    assert trace.through_time["0"].steps.tolist() == [0, 8, 19]
    assert trace.through_time["0"].norms.shape == (3, 6)


def test_progress_is_reported_with_the_steps_done() -> None:
    seen: list[tuple[int, float | None]] = []
    network, data = seeded(mlp), TinyData.of((12,))
    train_and_probe(
        network, layer_infos(network), data, TrainingPlan(steps=5), ProbePlan(), "cross_entropy", CPU,
        lambda step, loss: seen.append((step, loss)),
    )  # fmt: skip
    assert seen[0] == (0, None)


def test_each_experiment_gives_a_sign_of_life() -> None:
    """With a large network each takes so long that the job would count as stalled."""
    seen: list[int] = []
    network, data = seeded(mlp), TinyData.of((12,))
    train_and_probe(
        network, layer_infos(network), data, TrainingPlan(steps=5), ProbePlan(), "cross_entropy", CPU,
        lambda step, loss: seen.append(step),
    )  # fmt: skip
    before_training, after_training = seen.count(0), seen.count(5)
    assert before_training >= 5
    assert after_training >= 3
