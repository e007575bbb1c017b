"""A rebuilt network has the names of the original, and takes hooks."""

from collections import Counter

import pytest
import torch
from torch import nn

from tests.support.torchscript import archive_of, rebuilt, scripted, traced
from tests.support.zoo import ZOO
from workers.uploads.torchscript import Operator, rebuild

OF_MODULES_ONLY = ["mlp", "cnn", "lstm", "gru", "rnn", "cell_loop", "twice", "without_gradient", "counter"]


def forms(name: str) -> list[nn.Module]:
    network, inputs = ZOO[name]()
    archives = [archive_of(scripted(network))]
    if name != "counter":
        archives.append(archive_of(traced(network, inputs)))
    return [rebuild(archive) for archive in archives]


@pytest.mark.parametrize("name", OF_MODULES_ONLY)
def test_modules_have_the_names_and_classes_of_the_original(name: str) -> None:
    network, _ = ZOO[name]()
    expected = [(path, type(module).__name__) for path, module in network.named_modules()]
    for copy in forms(name):
        assert [(path, module.original_name) for path, module in copy.named_modules()] == expected


@pytest.mark.parametrize("name", sorted(ZOO))
def test_parameters_have_the_names_and_values_of_the_original(name: str) -> None:
    network, _ = ZOO[name]()
    copy = rebuilt(network)
    expected = dict(network.named_parameters())
    assert list(dict(copy.named_parameters())) == list(expected)
    for path, parameter in copy.named_parameters():
        assert isinstance(parameter, nn.Parameter)
        assert torch.equal(parameter, expected[path])


def test_functions_become_children_named_like_them() -> None:
    for copy in forms("residual"):
        relus = {path: module for path, module in copy.named_modules() if isinstance(module, Operator)}
        assert list(relus) == [
            "blocks.0.relu",
            "blocks.0.relu_1",
            "blocks.1.relu",
            "blocks.1.relu_1",
        ]
        assert {module.operator for module in relus.values()} == {"aten::relu"}


def test_layers_that_are_functions_of_parameters_become_children() -> None:
    for copy in forms("functional_layers"):
        found = [(path, m.operator) for path, m in copy.named_modules() if isinstance(m, Operator)]
        assert found == [
            ("linear", "aten::linear"),
            ("elu", "aten::elu"),
            ("matmul", "aten::matmul"),
            ("layer_norm", "aten::layer_norm"),
            ("relu", "aten::relu"),
            ("relu_1", "aten::relu"),
            ("softmax", "aten::softmax"),
        ]


class Swish(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x * torch.sigmoid(x)


def test_a_module_that_is_one_layer_stays_one() -> None:
    copy = rebuilt(nn.Sequential(nn.Linear(3, 3), Swish()))
    assert [path for path, _ in copy.named_modules()] == ["", "0", "1"]


@pytest.mark.parametrize("name", [*OF_MODULES_ONLY, "residual", "transformer", "tied"])
def test_hooks_fire_on_the_same_modules_as_often_as_on_the_original(name: str) -> None:
    network, inputs = ZOO[name]()

    def calls(net: nn.Module) -> Counter[str]:
        counted: Counter[str] = Counter()
        for path, module in net.named_modules():
            if not isinstance(module, Operator):
                module.register_forward_hook(lambda *_, path=path: counted.update([path]))
        net(inputs)
        return counted

    copies = [rebuilt(network)] if name == "counter" else forms(name)
    expected = calls(network)
    for copy in copies:
        assert calls(copy) == expected


def test_backward_hooks_fire_on_second_calls_too() -> None:
    fired: list[int] = []
    for copy in forms("twice"):
        fired.clear()
        copy.get_submodule("linear").register_full_backward_hook(lambda *_: fired.append(1))
        copy(torch.randn(4, 4, requires_grad=True)).sum().backward()
        assert len(fired) == 2


def test_a_hook_sees_the_tensor_that_flows_through_an_operator_first() -> None:
    copy = rebuilt(ZOO["functional_layers"]()[0])
    seen: dict[str, tuple[int, ...]] = {}
    for path, module in copy.named_modules():
        if isinstance(module, Operator):
            module.register_forward_hook(lambda _, given, __, path=path: seen.update({path: given[0].shape}))
    copy(torch.randn(5, 4))
    assert seen["linear"] == (5, 4)
    assert seen["matmul"] == (5, 6)
    assert seen["softmax"] == (5, 5)


def test_a_hook_can_change_what_flows_on() -> None:
    copy = rebuilt(ZOO["mlp"]()[0])
    copy.get_submodule("1").register_forward_hook(lambda _, __, output: torch.zeros_like(output))
    first, second = copy(torch.randn(2, 8)), copy(torch.randn(2, 8))
    assert first.shape == second.shape


def test_an_error_in_a_hook_comes_out_unchanged() -> None:
    copy = rebuilt(ZOO["mlp"]()[0])

    def stop(*_: object) -> None:
        raise KeyError("mine")

    copy.get_submodule("3").register_forward_hook(stop)
    with pytest.raises(KeyError, match="mine"):
        copy(torch.randn(2, 8))


def level_1(x: torch.Tensor) -> torch.Tensor:
    return torch.relu(torch.tanh(x))


def level_2(x: torch.Tensor) -> torch.Tensor:
    return level_1(x) + 1.0


def level_3(x: torch.Tensor) -> torch.Tensor:
    return level_2(x) * 2.0


def level_4(x: torch.Tensor) -> torch.Tensor:
    return level_3(x) - 1.0


def level_5(x: torch.Tensor) -> torch.Tensor:
    return level_4(level_4(x))


class Deep(nn.Module):
    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return level_5(x)


def test_layers_in_functions_of_functions_become_children() -> None:
    network, inputs = Deep(), torch.randn(2, 3)
    copy = rebuilt(network)
    assert [path for path, _ in copy.named_children()] == ["tanh", "relu", "tanh_1", "relu_1"]
    assert torch.equal(copy(inputs), network(inputs))
