"""The recorder's numbers against independent ones, on every kind of network and in both ways of capturing."""

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from service.contract.training_plan import ProbePlan
from tests.unit.probes.networks import NETWORKS, TinyData, layer_infos, mlp, seeded
from tests.unit.probes.oracle import norm, one_step
from workers.probes import capture
from workers.probes.recorder import Recorder
from workers.probes.schedule import Schedule
from workers.probes.trace import STATISTICS, TENSORS, LayerInfo, Series

Measured = dict[str, Series]


def record_step(
    network: nn.Module, layers: tuple[LayerInfo, ...], inputs: Tensor, targets: Tensor
) -> Measured:
    """One step with SGD, recorded."""
    schedule = Schedule.plan(ProbePlan(every=1), 1, len(layers))
    recorder = Recorder(network, layers, schedule, inputs, torch.device("cpu"))
    network.train()

    def compute() -> Tensor:
        return functional.cross_entropy(network(inputs), targets)

    recorder.step_begins(0, compute, None)
    loss = compute()
    recorder.backward(loss)
    recorder.gradients_ready(0, loss, None)
    torch.optim.SGD(network.parameters(), lr=0.1).step()
    recorder.step_ends(0)
    recorder.finish()
    return recorder.measurements()[2]


@pytest.fixture(params=["kept", "hooked"])
def way(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both captures, whatever the size of the network."""
    monkeypatch.setattr(capture, "KEPT_BYTES", {"cpu": 2**40 if request.param == "kept" else -1})
    return str(request.param)


def prepared(name: str) -> tuple[nn.Sequential, tuple[LayerInfo, ...], Tensor, Tensor]:
    build, shape = NETWORKS[name]
    network = seeded(build)
    data = TinyData.of(shape)
    return network, layer_infos(network), data.train_inputs[:32], data.train_targets[:32]


@pytest.mark.parametrize("name", NETWORKS)
def test_norms_of_outputs_and_of_their_gradients_are_those_of_autograd(name: str, way: str) -> None:
    network, layers, inputs, targets = prepared(name)
    torch.manual_seed(5)
    truth = one_step(network, layers, inputs, targets)
    measured = record_step(network, layers, inputs, targets)
    expected = [norm(t) for t in truth.outputs]
    np.testing.assert_allclose(measured["activation.norm"].values[0], expected, rtol=1e-5)
    expected = [norm(t) for t in truth.deltas]
    np.testing.assert_allclose(measured["backpropagated.norm"].values[0], expected, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_backward_gain_is_what_passes_back_through_the_layer_alone(name: str, way: str) -> None:
    network, layers, inputs, targets = prepared(name)
    torch.manual_seed(5)
    truth = one_step(network, layers, inputs, targets)
    measured = record_step(network, layers, inputs, targets)
    pairs = zip(truth.input_deltas, truth.deltas, strict=True)
    expected = [norm(at_input) / norm(at_output) for at_input, at_output in pairs]
    assert np.isfinite(expected).sum() >= len(layers) - 2
    np.testing.assert_allclose(measured["backward.gain"].values[0], expected, rtol=1e-5)


@pytest.mark.parametrize("name", NETWORKS)
def test_weight_and_gradient_norms_are_those_of_the_layers_weights(name: str, way: str) -> None:
    network, layers, inputs, targets = prepared(name)
    weights = {layer.name: _weights(network.get_submodule(layer.name)) for layer in layers if layer.trainable}
    before = {name: [w.detach().clone() for w in ws] for name, ws in weights.items()}
    measured = record_step(network, layers, inputs, targets)
    for index, layer in enumerate(layers):
        if not layer.trainable:
            assert np.isnan(measured["weight.norm"].values[0, index])
            continue
        flat = torch.cat([w.flatten() for w in before[layer.name]])
        slope = torch.cat([w.grad.flatten() for w in weights[layer.name] if w.grad is not None])
        after = torch.cat([w.detach().flatten() for w in weights[layer.name]])
        assert measured["weight.norm"].values[0, index] == pytest.approx(norm(flat), rel=1e-5)
        assert measured["gradient.norm"].values[0, index] == pytest.approx(norm(slope), rel=1e-5)
        if len(flat) <= 256 and len(before[layer.name]) == 1:
            ratio = norm(after - flat) / norm(flat)
            assert measured["update.ratio"].values[0, index] == pytest.approx(ratio, rel=1e-5)


def _weights(module: nn.Module) -> list[nn.Parameter]:
    return [p for name, p in module.named_parameters() if "bias" not in name.rpartition(".")[2]]


def test_the_statistics_of_tensors_no_larger_than_a_sample_are_exact() -> None:
    layers = layer_infos(seeded(mlp))
    data = TinyData.of((12,))
    network = seeded(mlp)
    inputs, targets = data.train_inputs[:12], data.train_targets[:12]  # 12 x 20 entries at most
    torch.manual_seed(5)
    truth = one_step(network, layers, inputs, targets)
    measured = record_step(network, layers, inputs, targets)
    for tensor, expected in (("activation", truth.outputs), ("backpropagated", truth.deltas)):
        for index, value in enumerate(expected):
            assert value is not None
            flat = value.double().numpy().ravel()
            small = np.abs(flat) <= 0.1 * np.sqrt((flat**2).mean())
            for statistic, number in {
                "mean": flat.mean(), "std": flat.std(), "min": flat.min(), "max": flat.max(),
                "near_zero": small.mean(), "non_finite": 0.0,
            }.items():  # fmt: skip
                found = measured[f"{tensor}.{statistic}"].values[0, index]
                rounding = 1e-6 * np.abs(flat).max()
                assert found == pytest.approx(number, rel=1e-5, abs=rounding), (tensor, statistic, index)


def test_saturation_is_the_share_of_the_derivative_that_is_lost() -> None:
    network, layers, _, _ = prepared("mlp")
    data = TinyData.of((12,))
    inputs, targets = data.train_inputs[:12], data.train_targets[:12]
    torch.manual_seed(5)
    truth = one_step(network, layers, inputs, targets)
    measured = record_step(network, layers, inputs, targets)["activation.saturation"].values[0]
    derivative: dict[str, Callable[[np.ndarray], np.ndarray]] = {
        "tanh": lambda z: 1 - np.tanh(z) ** 2,
        "relu": lambda z: (z > 0).astype(float),
        "sigmoid": lambda z: 4 * (1 / (1 + np.exp(-z))) * (1 - 1 / (1 + np.exp(-z))),
    }
    for index, layer in enumerate(layers):
        if layer.function is None:
            assert np.isnan(measured[index])
            continue
        before = truth.outputs[index - 1]
        assert before is not None
        expected = 1 - derivative[layer.function](before.double().numpy()).mean()
        assert measured[index] == pytest.approx(expected, abs=2e-3)


def test_backward_gains_along_a_chain_telescope() -> None:
    network, layers, inputs, targets = prepared("cnn")
    measured = record_step(network, layers, inputs, targets)
    deltas = measured["backpropagated.norm"].values[0]
    gains = measured["backward.gain"].values[0]
    assert np.isnan(gains[0])
    assert np.prod(gains[1:]) == pytest.approx(deltas[0] / deltas[-1], rel=1e-9)


def test_every_statistic_of_every_tensor_is_there() -> None:
    measured = record_step(*prepared("residual"))
    names = {f"{tensor}.{statistic}" for tensor in TENSORS for statistic in STATISTICS}
    assert names | {"update.ratio", "activation.saturation", "backward.gain"} == set(measured)


def test_gradients_far_below_what_float32_can_square_keep_their_norms() -> None:
    network = nn.Sequential(*(nn.Linear(8, 8) for _ in range(4)))
    with torch.no_grad():
        for layer in network[1:]:
            layer.weight.mul_(1e-9)
    inputs, targets = torch.randn(16, 8), torch.randint(8, (16,))
    layers = layer_infos(network)
    truth = one_step(network, layers, inputs, targets)
    measured = record_step(network, layers, inputs, targets)
    expected = [norm(t) for t in truth.deltas]
    assert 0 < expected[0] < 1e-25
    np.testing.assert_allclose(measured["backpropagated.norm"].values[0], expected, rtol=1e-5)


def test_a_layer_that_is_not_in_the_network_is_named() -> None:
    network, layers, inputs, _ = prepared("mlp")
    strangers = (*layers, LayerInfo("absent", "linear", None, 0, False, True, ()))
    schedule = Schedule.plan(ProbePlan(), 1, 1)
    with pytest.raises(ValueError, match="no module 'absent'"):
        Recorder(network, strangers, schedule, inputs, torch.device("cpu"))


def test_the_survey_leaves_buffers_random_numbers_and_modes_alone() -> None:
    network, layers, inputs, _ = prepared("cnn")
    network.train()
    state, mean = torch.get_rng_state(), network[1].running_mean.clone()
    Recorder(network, layers, Schedule.plan(ProbePlan(), 1, 1), inputs, torch.device("cpu"))
    assert torch.equal(torch.get_rng_state(), state)
    assert torch.equal(network[1].running_mean, mean)
    assert all(module.training for module in network.modules())
