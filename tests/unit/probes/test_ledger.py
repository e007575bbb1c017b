"""The ledger: exact for every architecture, true to independent measurements, and it names its causes."""

import copy
import math
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn import functional

from service.contract.job import JobRequest
from service.contract.planning import plan_network
from tests.unit.models.requests import HEAD, network, plan, spec, synthetic
from tests.unit.probes.ledgers import (
    ARCHITECTURES,
    SEQUENCE,
    VECTOR,
    Written,
    activation,
    hand_built,
    linear,
    local,
    of_spec,
    taken,
)
from tests.unit.probes.networks import layer_infos
from tests.unit.probes.oracle import one_step
from workers.data import load_dataset
from workers.models import build_network
from workers.models import layer_infos as planned_infos
from workers.probes.ledger import recording
from workers.probes.ledger.recording import LedgerLog
from workers.probes.survey import survey
from workers.probes.trace import FloatArray, Trace
from workers.training import train_and_probe


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_the_causes_sum_to_the_change_of_the_norm(name: str) -> None:
    layers, data = ARCHITECTURES[name]
    found = of_spec(*layers, data=data)

    reached = np.isfinite(found.log_norms)
    assert reached.all()
    np.testing.assert_allclose(found.outputs.sum(axis=-1), found.log_norms, atol=1e-9)
    assert found.unseen.max() < 1e-6, "no path was missed"
    assert np.isfinite(found.parameters).all()


@pytest.mark.parametrize("name", ["mlp", "cnn", "residual", "lstm", "rnn", "transformer"])
def test_the_norms_are_those_of_retained_gradients(name: str) -> None:
    net, infos, inputs, targets = hand_built(name)
    net.train()
    state = torch.get_rng_state()
    found = taken(net, infos, inputs, targets)
    torch.set_rng_state(state)
    truth = one_step(net, infos, inputs, targets)

    expected = np.array([float("nan") if d is None else float(d.double().norm()) for d in truth.deltas])
    np.testing.assert_allclose(10.0 ** found.log_norms[0], expected, rtol=1e-5)
    at_inputs = np.array(
        [float("nan") if d is None else float(d.double().norm()) for d in truth.input_deltas]
    )
    measured = 10.0 ** found.inputs[0].sum(axis=-1)
    known = np.isfinite(at_inputs)
    np.testing.assert_allclose(measured[known], at_inputs[known], rtol=1e-5)


def test_parameters_have_the_norm_of_their_gradient() -> None:
    net, infos, inputs, targets = hand_built("residual")
    found = taken(net, infos, inputs, targets)
    functional.cross_entropy(net(inputs), targets).backward()

    expected = [float(p.grad.double().norm()) for p in net.parameters() if p.grad is not None]
    np.testing.assert_allclose(10.0 ** found.parameters[0].sum(axis=-1), expected, rtol=1e-5)


def test_each_layer_of_a_chain_has_its_own_cause_alone() -> None:
    found = of_spec(linear(), {"op": "layer_norm"}, activation("tanh"), HEAD, data=VECTOR)

    for layer, cause in ((1, "normalisation"), (2, "activation"), (3, "weights")):
        parts = local(found, layer)
        assert [name for name, part in parts.items() if abs(part) > 1e-12] == [cause]


def test_an_activation_costs_what_its_derivative_says() -> None:
    """One unit per sample: ‖φ'(h) ⊙ δ‖ = φ'(h) ‖δ‖ at equal h."""
    data = synthetic(1)
    model = spec(linear(1, init={"name": "constant", "value": 2.0}, bias=False), activation("sigmoid"), HEAD)
    net, inputs = network(model, data), torch.ones(4, 1)
    infos = planned_infos(plan(model, data))
    found = taken(net, infos, inputs, torch.zeros(4, dtype=torch.int64))

    slope = torch.sigmoid(torch.tensor(2.0)) * torch.sigmoid(torch.tensor(-2.0))
    assert local(found, 1)["activation"] == pytest.approx(math.log10(float(slope)), abs=1e-6)


def test_a_residual_block_shows_its_causes_apart() -> None:
    block = {"op": "residual", "layers": [linear(), activation("sigmoid"), linear()]}
    found = of_spec(linear(), block, HEAD, data=VECTOR)
    parts = local(found, 4)

    assert all(abs(parts[cause]) > 1e-3 for cause in ("weights", "activation", "skip"))
    gain = (found.inputs - found.outputs)[0, 4].sum()
    assert gain == pytest.approx(sum(parts.values()), abs=1e-12)
    low, high = found.shares[0, 4]
    assert low + high == pytest.approx(1.0, abs=1e-9)


def test_paths_that_cancel_are_reported() -> None:
    """x - 0.9 x: the branch's contribution points against the shortcut's."""
    block = {"op": "residual", "layers": [activation("identity")], "scale": -0.9}
    found = of_spec(linear(), block, HEAD, data=VECTOR)

    np.testing.assert_allclose(found.shares[0, 2], [-9.0, 10.0], rtol=1e-4)
    assert (found.inputs - found.outputs)[0, 2].sum() == pytest.approx(-1.0, abs=1e-5)


def test_the_loss_scale_is_divided_out() -> None:
    net, infos, inputs, targets = hand_built("transformer")
    plain, scaled = (taken(net, infos, inputs, targets, scale) for scale in (None, 65536.0))

    np.testing.assert_allclose(scaled.outputs, plain.outputs, atol=1e-6)
    np.testing.assert_allclose(scaled.log_norms, plain.log_norms, atol=1e-6)


def test_measuring_leaves_everything_as_it_was() -> None:
    net = nn.Sequential(nn.Linear(12, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 4)).train()
    before, state = copy.deepcopy(net.state_dict()), torch.get_rng_state()
    found = taken(
        net, layer_infos(net), torch.randn(16, 12, generator=torch.Generator()), torch.zeros(16).long()
    )

    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in net.state_dict().items())
    assert all(parameter.grad is None for parameter in net.parameters())
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in net.modules())
    assert found.zeros == ()


def test_a_recurrence_too_long_to_write_out_is_left_to_its_kernel(monkeypatch: pytest.MonkeyPatch) -> None:
    layers = [linear(), {"op": "recurrent", "cell": "lstm", "units": 8}, HEAD]
    written_out = of_spec(*layers, data=SEQUENCE)
    monkeypatch.setattr(recording, "MAX_NODES", 200)
    fused = of_spec(*layers, data=SEQUENCE)

    np.testing.assert_allclose(fused.log_norms, written_out.log_norms, atol=1e-5)
    assert local(written_out, 1)["activation"] < -0.1
    assert local(fused, 1)["activation"] == pytest.approx(0.0, abs=1e-12)


def test_a_network_too_large_to_walk_has_no_ledger(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "MAX_NODES", 3)
    net, infos, inputs, targets = hand_built("mlp")
    log = LedgerLog(net, infos, survey(net, infos, inputs))
    log.measure(0, lambda: functional.cross_entropy(net(inputs), targets), None)

    assert log.result() is None


def trace_of(*layers: Written, data: Written) -> Trace:
    request = JobRequest.model_validate({"model": spec(*layers), "data": data, "training": {"steps": 4}})
    planned = plan_network(request.model, request.data.shape, request.training)
    return train_and_probe(
        build_network(planned, 0), planned_infos(planned), load_dataset(request.data, 0),
        request.training, request.probe, planned.loss, torch.device("cpu"), lambda *_: None,
    )  # fmt: skip


@pytest.mark.parametrize("bias", [-50.0, 0.0])
def test_it_is_stored_and_reloaded(bias: float, tmp_path: Path) -> None:
    dead = linear(bias_init={"name": "constant", "value": bias})
    trace = trace_of(linear(), activation("relu"), dead, activation("relu"), HEAD, data=VECTOR)
    trace.save(tmp_path / "trace.npz")
    again = Trace.load(tmp_path / "trace.npz").ledger

    assert trace.ledger is not None
    assert again is not None
    assert trace.ledger.steps.tolist() == [0, 3]
    for name, array in trace.ledger.arrays().items():
        np.testing.assert_array_equal(again.arrays()[name], array)
    assert again.header() == trace.ledger.header()
    trace.save_json(tmp_path / "trace.json.gz")


def test_it_agrees_with_what_the_run_measures() -> None:
    layers, data = ARCHITECTURES["transformer"]
    trace = trace_of(*layers, data=data)
    assert trace.ledger is not None
    for row, step in enumerate(trace.ledger.steps):
        for series, parts in (("backpropagated.norm", None), ("backward.gain", trace.ledger.inputs)):
            measured = trace.series[series]
            values: FloatArray = measured.values[measured.steps == step][0]
            decades = trace.ledger.log_norms[row]
            if parts is not None:
                decades = (parts - trace.ledger.outputs)[row].sum(axis=-1)
            known = np.isfinite(values) & np.isfinite(decades)
            assert known.sum() > 10
            np.testing.assert_allclose(10.0 ** decades[known], values[known], rtol=1e-4)
