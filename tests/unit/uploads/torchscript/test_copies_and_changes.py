"""A rebuilt network can be copied, saved, moved and changed as any other."""

import copy

import pytest
import torch
from torch import nn

from tests.support.torchscript import archive_of, loss_and_gradients, rebuilt, scripted
from tests.support.zoo import ZOO
from workers.uploads.torchscript import rebuild


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "tied", "counter", "functional_layers"])
def test_a_copy_trains_without_touching_the_original(name: str) -> None:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    original = rebuilt(network)
    before = {key: value.clone() for key, value in original.state_dict().items()}
    twin = copy.deepcopy(original)
    optimizer = torch.optim.SGD(twin.parameters(), lr=0.5)
    loss_and_gradients(twin, inputs, 0)
    optimizer.step()
    assert all(torch.equal(value, before[key]) for key, value in original.state_dict().items())
    changed = [key for key, value in twin.state_dict().items() if not torch.equal(value, before[key])]
    assert changed


@pytest.mark.parametrize("name", ["mlp", "lstm", "tied", "transformer"])
def test_a_copy_computes_the_same(name: str) -> None:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    original = rebuilt(network)
    twin = copy.deepcopy(original)
    loss, gradients = loss_and_gradients(original, inputs, 3)
    twin_loss, twin_gradients = loss_and_gradients(twin, inputs, 3)
    assert torch.equal(loss, twin_loss)
    for name, gradient in gradients.items():
        assert gradient is None or torch.equal(gradient, twin_gradients[name])


def test_tied_weights_stay_one_parameter_in_a_copy() -> None:
    original = rebuilt(ZOO["tied"]()[0])
    twin = copy.deepcopy(original)
    for network in (original, twin):
        assert network.get_submodule("embed").weight is network.get_submodule("head").weight
    assert twin.get_submodule("embed").weight is not original.get_submodule("embed").weight


def test_a_recurrent_layer_uses_a_parameter_that_was_put_in_place_of_another() -> None:
    """PyTorch's own layer keeps a second list of its weights."""
    network = rebuilt(ZOO["lstm"]()[0]).eval()
    inputs = torch.randn(3, 7, 4)
    before = network(inputs)
    recurrent = network.get_submodule("recurrent")
    recurrent.weight_hh_l0 = nn.Parameter(torch.zeros_like(recurrent.weight_hh_l0))
    assert not torch.equal(network(inputs), before)


def test_a_state_dict_goes_to_the_original_and_back() -> None:
    network, inputs = ZOO["cnn"]()
    network.eval()
    twin = rebuilt(network)
    fresh, _ = ZOO["cnn"]()
    fresh.eval().load_state_dict(twin.state_dict())
    assert torch.equal(fresh(inputs), network(inputs))
    other, _ = ZOO["cnn"]()
    twin.load_state_dict(other.state_dict())
    assert torch.equal(twin(inputs), other.eval()(inputs))


@pytest.mark.parametrize("name", ["mlp", "cnn", "lstm", "transformer"])
def test_training_and_evaluation_mode_take_effect(name: str) -> None:
    torch.manual_seed(0)
    network, inputs = ZOO[name]()
    twin = rebuilt(network)
    torch.testing.assert_close(twin.eval()(inputs), network.eval()(inputs))
    assert not twin.get_submodule("").training
    torch.manual_seed(1)
    expected = network.train()(inputs)
    torch.manual_seed(1)
    torch.testing.assert_close(twin.train()(inputs), expected)


def test_a_network_in_float64_computes_in_float64() -> None:
    twin = rebuilt(ZOO["mlp"]()[0]).double()
    assert twin(torch.randn(2, 8, dtype=torch.float64)).dtype == torch.float64


def test_a_module_put_in_place_of_another_is_used() -> None:
    network, inputs = ZOO["mlp"]()
    twin = rebuilt(network).eval()
    expected = nn.Sequential(*network.eval())
    expected[1] = nn.GELU()
    twin.set_submodule("1", nn.GELU())
    assert torch.equal(twin(inputs), expected(inputs))


def test_a_module_put_in_place_of_a_functional_operator_is_used() -> None:
    network = rebuilt(ZOO["residual"]()[0])
    calls: list[int] = []
    gelu = nn.GELU()
    gelu.register_forward_hook(lambda *_: calls.append(1))
    network.set_submodule("blocks.0.relu", gelu)
    network.set_submodule(
        "blocks.0.relu_1", nn.Sequential(network.get_submodule("blocks.0.relu_1"), nn.Identity())
    )
    network(torch.randn(2, 1, 8, 8)).sum().backward()
    assert calls == [1]


def test_a_layer_put_in_place_of_one_with_weights_is_trained() -> None:
    network = rebuilt(ZOO["mlp"]()[0])
    network.set_submodule("2", nn.Linear(16, 16))
    network(torch.randn(2, 8)).sum().backward()
    assert network.get_submodule("2").weight.grad is not None


def test_a_layer_put_in_place_of_a_recurrent_one_is_called() -> None:
    network = rebuilt(ZOO["lstm"]()[0])
    network.recurrent = nn.LSTM(4, 6, batch_first=True)
    network(torch.randn(3, 7, 4)).sum().backward()
    assert network.recurrent.weight_ih_l0.grad is not None


def test_a_network_is_printed_with_its_classes() -> None:
    text = repr(rebuilt(ZOO["residual"]()[0]))
    assert "(stem): Conv2d()" in text
    assert "(relu): Operator(aten::relu)" in text


def test_two_archives_do_not_see_each_other() -> None:
    first, second = (rebuild(archive_of(scripted(ZOO["counter"]()[0]))) for _ in range(2))
    first(torch.randn(4, 4))
    assert float(second.seen) == 0.0
