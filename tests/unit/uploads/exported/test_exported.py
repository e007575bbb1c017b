"""Exported programs, rebuilt: against the programs that PyTorch itself makes modules of."""

import copy
from collections.abc import Callable
from io import BytesIO
from typing import Any

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.support.hostile import exported as hostile
from tests.support.hostile.exported import Json
from tests.support.pt2 import assert_same, export, saved
from tests.support.torch_threads import one_thread
from tests.support.zoo import ZOO
from workers.uploads.errors import InvalidUploadError
from workers.uploads.exported import load_exported
from workers.uploads.torchscript import Operator

__all__ = ["one_thread"]

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{kind}")  # of torch.export itself
    for kind in ("FutureWarning", "DeprecationWarning", "UserWarning")
]

NETWORKS = [
    "mlp", "cnn", "residual", "lstm", "lstm_with_projections", "gru", "rnn", "gate_loop", "transformer",
    "containers", "tied", "several_outputs", "functional_layers", "twice", "without_gradient",
]  # fmt: skip
DECOMPOSED = ["lstm", "functional_layers", pytest.param("transformer", marks=pytest.mark.slow)]
"""Others normalise by batches: decomposed, PyTorch cannot train them either."""


class Shared(nn.Module):
    """Modules called twice, one that two others share, a constant, buffers, nested outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.activation = nn.Tanh()
        self.block = Block(self.activation)
        self.head = nn.Linear(4, 4)
        self.head.weight = self.block.linear.weight
        self.scale = torch.full((4,), 0.5)

    def forward(self, x: Tensor) -> dict[str, Any]:
        hidden = self.block(self.block(self.activation(x)))
        return {"out": self.head(hidden) * self.scale, "more": (hidden, [x])}


class Block(nn.Module):
    def __init__(self, activation: nn.Module) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.norm = nn.BatchNorm1d(4)
        self.activation = activation

    def forward(self, x: Tensor) -> Tensor:
        return functional.relu(self.activation(self.norm(self.linear(x)))) + x


def linear_program(*, dynamic: bool = True) -> BytesIO:
    return saved(export(nn.Sequential(nn.Linear(4, 3)), torch.randn(5, 4), dynamic=dynamic))


@pytest.mark.parametrize("name", NETWORKS)
def test_outputs_and_gradients_are_bit_for_bit_those_of_the_program(name: str) -> None:
    torch.manual_seed(0)
    network, example = ZOO[name]()
    program = export(network, example)
    ours = load_exported(saved(program))
    assert_same(ours, program.module(), example)
    missing = {path for path, _ in network.named_modules()} - {path for path, _ in ours.named_modules()}
    called = {path for path in missing if not path.endswith("out_proj")}  # attention uses its weight alone
    assert not called


@pytest.mark.parametrize("name", DECOMPOSED)
def test_decomposed_programs_are_exact_too(name: str) -> None:
    torch.manual_seed(0)
    network, example = ZOO[name]()
    program = export(network, example).run_decompositions({})
    assert_same(load_exported(saved(program)), program.module(), example)


def test_shared_modules_tied_weights_and_nested_outputs_are_kept() -> None:
    torch.manual_seed(0)
    network = Shared()
    program = export(network, torch.randn(3, 4))
    ours = load_exported(saved(program))
    assert_same(ours, program.module(), torch.randn(6, 4))
    assert ours.get_parameter("head.weight") is ours.get_parameter("block.linear.weight")
    outputs = ours(torch.ones(2, 4))
    assert list(outputs) == ["out", "more"]
    assert isinstance(outputs["more"], tuple)
    assert isinstance(outputs["more"][1], list)


def test_modules_have_their_names_and_hooks_see_each_call() -> None:
    ours = load_exported(saved(export(Shared(), torch.randn(3, 4))))
    seen: list[str] = []
    for path, module in ours.named_modules():
        module.register_forward_hook(lambda _module, _inputs, output, path=path: seen.append(path))
    ours(torch.randn(3, 4))
    block = ["block.linear", "block.norm", "block.activation", "block.relu", "block"]
    assert seen == ["activation", *block, *block, "head", ""]
    assert ours.get_submodule("block").original_name == "Block"
    assert ours.get_submodule("block.norm").original_name == "BatchNorm1d"


def test_functional_layers_become_modules_and_others_do_not() -> None:
    ours = load_exported(saved(export(Shared(), torch.randn(3, 4))))
    operators = {
        path: module.operator for path, module in ours.named_modules() if isinstance(module, Operator)
    }
    assert operators == {"block.relu": "aten::relu"}


def test_copies_state_and_replaced_modules_work() -> None:
    ours = load_exported(saved(export(Shared(), torch.randn(3, 4))))
    twin = copy.deepcopy(ours)
    inputs = torch.randn(5, 4)
    twin.load_state_dict(ours.state_dict())
    assert torch.equal(twin(inputs)["out"], ours(inputs)["out"])
    twin.get_submodule("block").relu = nn.Identity()
    twin.head = nn.Linear(4, 2)
    twin.scale = torch.ones(2)
    assert twin(inputs)["out"].shape == (5, 2)
    assert ours(inputs)["out"].shape == (5, 4)
    twin.block = nn.Linear(4, 4)
    assert torch.equal(twin(inputs)["more"][0], twin.block(twin.block(inputs.tanh())))


@pytest.mark.parametrize("training", [True, False])
def test_the_mode_is_that_of_the_export(training: bool) -> None:
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(4, 4), nn.Dropout(0.5), nn.BatchNorm1d(4)).train(training)
    ours = load_exported(saved(export(network, torch.randn(5, 4))))
    inputs = torch.randn(5, 4)
    assert ours.training is training
    for switched in (ours.train(), ours.eval(), ours.train(False)):
        assert switched.training is training
        torch.manual_seed(1)
        output = switched(inputs)
        torch.manual_seed(1)
        assert torch.equal(output, copy.deepcopy(network)(inputs))
        network[2].load_state_dict(ours.get_submodule("2").state_dict())


class Recurrent(nn.Module):
    def __init__(self, kind: type[nn.RNNBase]) -> None:
        super().__init__()
        self.layer = kind(3, 4, batch_first=True)
        self.head = nn.Linear(4, 2)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.layer(x)[0][:, -1])


@pytest.mark.parametrize("kind", [nn.LSTM, nn.GRU, nn.RNN])
def test_a_recurrent_layer_hands_over_its_states_while_it_is_tapped(kind: type[nn.RNNBase]) -> None:
    torch.manual_seed(0)
    inputs = torch.randn(5, 6, 3)
    ours = load_exported(saved(export(Recurrent(kind), inputs)))
    plain = ours(inputs)
    states: list[Tensor] = []
    ours.layer.time_tap = states.extend
    tapped = ours(inputs)
    assert [state.shape for state in states] == [(5, 4)] * 6
    assert torch.allclose(plain, tapped, atol=1e-6)
    assert all(gradient.abs().sum() > 0 for gradient in torch.autograd.grad(tapped.sum(), states))


def test_any_batch_fits_a_dynamic_one() -> None:
    network = load_exported(linear_program())
    assert [network(torch.randn(size, 4)).shape for size in (1, 2, 64)] == [(1, 3), (2, 3), (64, 3)]


def test_a_fixed_batch_is_refused_with_what_to_do() -> None:
    network = load_exported(linear_program(dynamic=False))
    assert network(torch.randn(5, 4)).shape == (5, 3)
    with pytest.raises(InvalidUploadError, match=r"\(5, 4\), but is given \(6, 4\).*torch\.export\.Dim"):
        network(torch.randn(6, 4))


def test_other_features_are_refused_without_that_advice() -> None:
    network = load_exported(linear_program())
    with pytest.raises(InvalidUploadError, match=r"\(any, 4\), but is given \(6, 7\)$"):
        network(torch.randn(6, 7))


def functional_step(target: str, *positional: Json, **named: Json) -> Json:
    described = hostile.step(target, [hostile.tensor("x"), *positional], "z")
    described["inputs"] += [{"name": name, "arg": arg, "kind": 2} for name, arg in named.items()]
    return described


def test_arguments_are_checked_also_where_they_are_given_by_name() -> None:
    """Else checks would not see them."""
    lengths = hostile.step("torch.ops.aten.ones.default", [{"as_ints": [2, 1]}], "lengths")
    normalised = functional_step(
        "torch.ops.aten._weight_norm.default", g=hostile.tensor("lengths"), dim={"as_int": 1}
    )
    network = load_exported(BytesIO(hostile.archive(lengths, normalised)))
    with pytest.raises(InvalidUploadError, match=r"lengths of shape \[1, 4\]"):
        network(torch.ones(2, 4))


def test_arguments_left_out_between_those_given_by_name_have_their_defaults() -> None:
    summed = functional_step("torch.ops.aten.sum.dim_IntList", {"as_ints": [1]}, keepdim={"as_bool": True})
    cumulated = functional_step("torch.ops.aten.softplus.default", threshold={"as_float": 0.5})
    for described, expected in ((summed, (2, 1)), (cumulated, (2, 4))):
        described["outputs"] = [hostile.tensor("y")]
        content = hostile.archive(nodes=[described])
        assert load_exported(BytesIO(content))(torch.ones(2, 4)).shape == expected


def test_several_inputs_are_refused() -> None:
    class Two(nn.Module):
        def forward(self, x: Tensor, y: Tensor) -> Tensor:
            return x + y

    program = torch.export.export(Two(), (torch.ones(2), torch.ones(2)))
    with pytest.raises(InvalidUploadError, match="takes 2 inputs"):
        load_exported(saved(program))


def other_archive(make: Callable[[BytesIO], None]) -> BytesIO:
    buffer = BytesIO()
    make(buffer)
    return buffer


@pytest.mark.parametrize(
    "make",
    [
        lambda buffer: torch.save(nn.Linear(2, 2).state_dict(), buffer),
        lambda buffer: torch.jit.save(torch.jit.script(nn.Linear(2, 2)), buffer),
        lambda buffer: buffer.write(b"nothing"),
    ],
)
def test_other_files_are_refused_with_what_to_do(make: Callable[[BytesIO], None]) -> None:
    with pytest.raises(InvalidUploadError, match=r"torch\.export\.save|not a zip archive"):
        load_exported(other_archive(make))
