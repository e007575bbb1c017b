"""Layer-wise pre-training: what is trained when, on what, and what stays as it was."""

import pytest
import torch
from torch import nn

from service.contract.training_plan import ProbePlan, TrainingPlan
from tests.unit.probes.networks import NETWORKS, Residual, TinyData, layer_infos, mlp, seeded
from workers.training import TrainingError, pretraining, train_and_probe
from workers.training.adaptation import adapt
from workers.training.bare import train_bare
from workers.training.pretraining import pretraining_steps

CPU = torch.device("cpu")


def ignore(_step: int, _loss: float | None) -> None:
    pass


def plan(**pretrained: object) -> TrainingPlan:
    return TrainingPlan.model_validate(
        {"steps": 5, "batch_size": 32, "pretraining": {"steps_per_level": 3, **pretrained}}
    )


def pretrained(network: nn.Module, data: TinyData, training: TrainingPlan) -> nn.Module:
    adapt(network, layer_infos(network), data, training, "cross_entropy", CPU, ignore)
    return network


@pytest.mark.parametrize("target", ["supervised", "reconstruction"])
@pytest.mark.parametrize("name", NETWORKS)
def test_any_network_can_be_pretrained(name: str, target: str) -> None:
    build, shape = NETWORKS[name]
    network, data = seeded(build), TinyData.of(shape)
    before = {name: value.clone() for name, value in network.named_parameters()}
    pretrained(network, data, plan(target=target))
    moved = {name for name, value in network.named_parameters() if not torch.equal(value, before[name])}
    head = {name for name in before if name.startswith(f"{len(network) - 1}.")}
    assert moved == (set(before) if target == "supervised" else set(before) - head)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in network.parameters())


def test_levels_are_trained_one_after_another_and_those_below_rest() -> None:
    network, data = seeded(mlp), TinyData.of((12,))
    names = [name for name, _ in network.named_parameters() if name.endswith("weight")]
    seen: list[set[str]] = []

    def note(number: int) -> None:
        seen.append({name for name, value in network.named_parameters() if value.requires_grad})

    run = pretraining._Pretraining._level_steps
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(
            pretraining._Pretraining, "_level_steps", lambda self, n, level: (note(n), run(self, n, level))[1]
        )
        pretrained(network, data, plan())
    trained = [{name for name in level if name.endswith("weight")} for level in seen]
    assert trained == [{name} for name in names]


def test_each_level_learns_what_it_is_trained_for() -> None:
    data = TinyData.of((12,))
    network = seeded(
        lambda: nn.Sequential(nn.Linear(12, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh(), nn.Linear(32, 4))
    )
    pretrained(network, data, plan(steps_per_level=100))
    accuracy = (network(data.test_inputs).argmax(1) == data.test_targets).float().mean()
    assert float(accuracy) > 0.7


def test_reconstruction_learns_to_rebuild_the_input(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pretraining, "REPORT_SECONDS", -1.0)
    losses: list[float] = []
    network = seeded(lambda: nn.Sequential(nn.Linear(12, 12), nn.Tanh(), nn.Linear(12, 4)))
    training = plan(target="reconstruction", steps_per_level=200)

    def note(_step: int, loss: float | None) -> None:
        losses.append(loss if loss is not None else float("nan"))

    adapt(network, layer_infos(network), TinyData.of((12,)), training, "cross_entropy", CPU, note)
    assert len(losses) == 200
    assert losses[-1] < 0.5 * losses[0]


def test_frozen_parameters_stay_frozen_and_unchanged() -> None:
    network, data = seeded(mlp), TinyData.of((12,))
    network[0].weight.requires_grad_(False)
    before = network[0].weight.clone()
    pretrained(network, data, plan())
    assert torch.equal(network[0].weight, before)
    assert not network[0].weight.requires_grad


def test_the_same_plan_gives_the_same_weights_probed_or_not_and_whatever_was_drawn_before() -> None:
    build, data = NETWORKS["mlp"][0] if "mlp" in NETWORKS else mlp, TinyData.of((12,))
    probed, bare = seeded(build), seeded(build)
    torch.rand(7)
    layers, training = layer_infos(probed), plan()
    train_and_probe(probed, layers, data, training, ProbePlan(), "cross_entropy", CPU, ignore)
    torch.rand(3)
    train_bare(bare, layers, data, training, "cross_entropy", CPU, ignore)
    for key, value in probed.state_dict().items():
        assert torch.equal(value, bare.state_dict()[key]), key


def test_a_plan_that_asks_for_nothing_changes_nothing_and_draws_nothing() -> None:
    network, data = seeded(mlp), TinyData.of((12,))
    before, state = {k: v.clone() for k, v in network.state_dict().items()}, torch.get_rng_state()
    pretrained(network, data, TrainingPlan(steps=5))
    assert torch.equal(torch.get_rng_state(), state)
    assert all(torch.equal(value, before[key]) for key, value in network.state_dict().items())


def test_its_steps_can_be_foretold() -> None:
    network = seeded(mlp)
    layers = layer_infos(network)
    levels = sum(1 for layer in layers if layer.op == "linear")
    assert pretraining_steps(plan(), network, layers) == 3 * levels
    assert pretraining_steps(plan(target="reconstruction"), network, layers) == 3 * (levels - 1)
    assert pretraining_steps(TrainingPlan(), network, layers) == 0


def test_what_a_report_raises_ends_it(monkeypatch: pytest.MonkeyPatch) -> None:
    class CancelledError(Exception):
        pass

    def cancel(_step: int, _loss: float | None) -> None:
        raise CancelledError

    monkeypatch.setattr(pretraining, "REPORT_SECONDS", -1.0)
    network = seeded(mlp)
    with pytest.raises(CancelledError):
        adapt(network, layer_infos(network), TinyData.of((12,)), plan(), "cross_entropy", CPU, cancel)
    assert all(parameter.requires_grad for parameter in network.parameters())


REFUSED: list[tuple[nn.Sequential, tuple[int, ...], dict[str, object], str]] = [
    (nn.Sequential(nn.Linear(12, 4)), (12,), {"pretraining": {}}, "at least one layer with weights before"),
    (nn.Sequential(Residual(nn.Linear(12, 12))), (12,), {"truncate_time": 5}, "needs a recurrent layer"),
]


@pytest.mark.parametrize(("network", "shape", "training", "reason"), REFUSED, ids=["one level", "no time"])
def test_what_a_network_does_not_have_is_an_error_that_says_so(
    network: nn.Sequential, shape: tuple[int, ...], training: dict[str, object], reason: str
) -> None:
    with pytest.raises(TrainingError, match=reason):
        pretrained(network, TinyData.of(shape), TrainingPlan.model_validate({"steps": 2, **training}))
