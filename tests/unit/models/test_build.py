"""What is built is what was planned."""

from math import prod

import torch
from hypothesis import HealthCheck, assume, given, settings
from torch import Tensor, nn

from service.contract.errors import InvalidRequestError
from service.contract.layers import LAYER_TYPES
from service.contract.planning import NetworkPlan
from tests.unit.models.requests import FLATTEN, HEAD, Written, network, plan, spec, synthetic
from tests.unit.models.strategies import models_and_data
from workers.models import build_network, layer_infos
from workers.models.build import BUILDERS

BATCH = 3


def inputs_for(planned: NetworkPlan) -> Tensor:
    if planned.given.vocabulary is not None:
        return torch.randint(planned.given.vocabulary, (BATCH, *planned.given.shape))
    return torch.randn(BATCH, *planned.given.shape)


def observed_shapes(module: nn.Module, inputs: Tensor) -> list[tuple[str, tuple[int, ...]]]:
    """Output shape per sample of every submodule, in the order in which they finish."""
    seen: list[tuple[str, tuple[int, ...]]] = []
    for name, child in module.named_modules():
        child.register_forward_hook(lambda _m, _i, out, name=name: seen.append((name, out)))
    module(inputs)
    return [(name, tuple(out.shape[1:])) for name, out in seen if isinstance(out, Tensor)]


def own_counts(module: nn.Module, planned: NetworkPlan) -> dict[str, tuple[int, int]]:
    """(parameters, trained ones) of each planned layer; a parameter is the innermost layer's around it."""
    names = [layer.name for layer in planned.layers]
    counts = dict.fromkeys(names, (0, 0))
    for path, parameter in module.named_parameters():
        owner = max((name for name in names if path.startswith(f"{name}.")), key=len)
        total, trained = counts[owner]
        counts[owner] = (total + parameter.numel(), trained + parameter.numel() * parameter.requires_grad)
    return counts


@settings(max_examples=120, deadline=None, suppress_health_check=list(HealthCheck))
@given(models_and_data())
def test_names_shapes_order_and_parameters_are_as_planned(pair: tuple[Written, Written]) -> None:
    try:
        planned = plan(*pair)
    except InvalidRequestError:
        assume(False)
    built = build_network(planned, seed=1)

    shapes = observed_shapes(built, inputs_for(planned))

    names = {layer.name for layer in planned.layers}
    expected = [(layer.name, layer.output.shape) for layer in planned.layers]
    assert [(name, shape) for name, shape in shapes if name in names] == expected
    expected_counts = {layer.name: (layer.parameters, layer.trainable_parameters) for layer in planned.layers}
    assert own_counts(built, planned) == expected_counts
    assert planned.parameters == sum(p.numel() for p in built.parameters())
    assert planned.output_shape == expected[-1][1]


def test_every_layer_of_the_contract_can_be_built() -> None:
    containers = {"residual", "repeat"}
    assert {t.model_fields["op"].default for t in LAYER_TYPES} - containers == {
        t.model_fields["op"].default for t in BUILDERS
    }


def test_the_same_seed_gives_the_same_network_and_another_seed_another() -> None:
    model = spec(FLATTEN, {"op": "linear", "units": 8}, {"op": "linear", "units": 8}, HEAD)
    first, again, other = (
        torch.cat([p.flatten() for p in network(model, seed=s).parameters()]) for s in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_layers_with_the_same_shape_do_not_start_alike() -> None:
    model = spec(FLATTEN, {"op": "repeat", "times": 2, "layers": [{"op": "linear", "units": 64}]}, HEAD)
    built = network(model)
    assert not torch.equal(built.get_parameter("1.0.0.weight"), built.get_parameter("1.1.0.weight"))


def test_a_change_in_one_layer_leaves_the_first_values_of_the_others() -> None:
    relu, tanh = ({"op": "activation", "function": f} for f in ("relu", "tanh"))
    first = {"op": "linear", "units": 8}
    one = network(spec(FLATTEN, first, relu, HEAD))
    two = network(spec(FLATTEN, {**first, "init": "zeros"}, tanh, HEAD))
    assert torch.equal(one.get_parameter("3.weight"), two.get_parameter("3.weight"))


def test_building_leaves_the_global_random_state_alone() -> None:
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)
    network(spec(FLATTEN, HEAD), seed=9)
    assert torch.equal(torch.rand(3), expected)


def test_a_frozen_layer_gets_no_gradient_and_its_neighbours_do() -> None:
    frozen = {"op": "linear", "units": 8, "trainable": False}
    built = network(spec(FLATTEN, {"op": "linear", "units": 8}, frozen, HEAD))
    built(torch.randn(4, 1, 8, 8)).sum().backward()
    assert built.get_parameter("2.weight").grad is None
    assert built.get_parameter("1.weight").grad is not None


def test_a_residual_block_adds_its_input() -> None:
    inner = {"op": "linear", "units": 6, "init": "zeros", "bias": False}
    block = network(spec({"op": "residual", "layers": [inner]}, HEAD), synthetic(6)).get_submodule("0")
    inputs = torch.randn(2, 6)
    assert torch.equal(block(inputs), inputs)


def test_the_scale_of_a_residual_block_acts_on_its_layers_only() -> None:
    identity = {"op": "activation", "function": "identity"}
    block = {"op": "residual", "layers": [identity], "scale": 0.5}
    inputs = torch.randn(2, 6)
    built = network(spec(block, HEAD), synthetic(6)).get_submodule("0")
    assert torch.allclose(built(inputs), 1.5 * inputs)


def test_rezero_starts_as_the_identity_and_its_scale_gets_a_gradient() -> None:
    block = {"op": "residual", "layers": [{"op": "linear", "units": 6}], "scale": {"learned": 0.0}}
    built = network(spec(block, HEAD), synthetic(6))
    inputs = torch.randn(2, 6)
    assert torch.equal(built.get_submodule("0")(inputs), inputs)
    built(inputs).square().sum().backward()
    gradient = built.get_parameter("0.scale").grad
    assert gradient is not None
    assert gradient.abs() > 0


def test_freezing_a_residual_block_freezes_its_shortcut_only() -> None:
    inner = {"op": "linear", "units": 4}
    block = {"op": "residual", "layers": [inner], "shortcut": "projection", "trainable": False}
    built = network(spec(block, HEAD), synthetic(6))
    assert not built.get_parameter("0.shortcut.weight").requires_grad
    assert built.get_parameter("0.0.weight").requires_grad


def test_layer_infos_tell_what_is_measured() -> None:
    relu = {"op": "activation", "function": "relu"}
    block = {"op": "residual", "layers": [{"op": "linear", "units": 64, "trainable": False}, relu]}
    infos = layer_infos(plan(spec(FLATTEN, {"op": "repeat", "times": 2, "layers": [block]}, HEAD)))
    assert [info.name for info in infos] == [
        "0", "1.0.0.0", "1.0.0.1", "1.0.0", "1.1.0.0", "1.1.0.1", "1.1.0", "2",
    ]  # fmt: skip
    linear, activation, whole = infos[1:4]
    assert (linear.op, linear.parameters, linear.trainable, linear.on_spine) == (
        "linear",
        64 * 65,
        False,
        False,
    )
    assert (activation.function, activation.output_shape) == ("relu", (64,))
    assert (whole.op, whole.parameters, whole.on_spine) == ("residual", 0, True)
    assert infos[-1].output_shape == (10,)


def test_attention_without_the_future_does_not_see_it() -> None:
    def changes(causal: bool) -> Tensor:
        attention = {"op": "attention", "heads": 2, "causal": causal}
        module = network(spec(attention, FLATTEN, HEAD), synthetic(5, 4)).get_submodule("0")
        inputs = torch.randn(1, 5, 4)
        later = inputs.clone()
        later[:, 3:] += 1.0
        return (module(later) - module(inputs)).abs().sum(dim=2)[0]

    assert (changes(causal=True)[:3] == 0).all()
    assert (changes(causal=False)[:3] > 0).all()


def test_sinusoidal_positions_differ_from_step_to_step() -> None:
    module = network(spec({"op": "positional_encoding"}, FLATTEN, HEAD), synthetic(7, 5)).get_submodule("0")
    positions = module(torch.zeros(1, 7, 5))[0]
    assert torch.pdist(positions).min() > 0.1
    assert torch.allclose(positions[0], torch.tensor([0.0, 1.0, 0.0, 1.0, 0.0]))


def test_batch_norm_on_a_sequence_normalises_each_feature_over_batch_and_time() -> None:
    module = network(spec({"op": "batch_norm"}, FLATTEN, HEAD), synthetic(7, 5)).get_submodule("0")
    outputs = module(3.0 + 2.0 * torch.randn(20, 7, 5))
    assert torch.allclose(outputs.mean((0, 1)), torch.zeros(5), atol=1e-5)
    assert torch.allclose(outputs.std((0, 1)), torch.ones(5), atol=0.01)


def test_layer_norm_on_an_image_normalises_each_sample() -> None:
    module = network(spec({"op": "layer_norm"}, FLATTEN, HEAD), synthetic(2, 6, 6)).get_submodule("0")
    outputs = module(3.0 + 2.0 * torch.randn(4, 2, 6, 6)).flatten(1)
    assert outputs.shape[1] == prod((2, 6, 6))
    assert torch.allclose(outputs.mean(1), torch.zeros(4), atol=1e-5)
    assert torch.allclose(outputs.std(1), torch.ones(4), atol=0.02)
