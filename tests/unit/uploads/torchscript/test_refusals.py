"""What a network must not do ends in an error that says what, and where."""

import re
import warnings

import pytest
import torch
from torch import Tensor, nn

from tests.support.torchscript import archive_of, quietly, rebuilt, scripted
from tests.support.zoo import ZOO
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError
from workers.uploads.torchscript import limits, rebuild
from workers.uploads.torchscript.lowering import compiler


class Inner(nn.Module):
    def forward(self, x: Tensor, rare: bool) -> Tensor:
        if rare:
            return torch.bincount(x.long().flatten()).float()
        return x


class WithUnsupported(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = Inner()
        self.rare = False

    def forward(self, x: Tensor) -> Tensor:
        return self.inner(x, self.rare)


def test_an_operator_that_is_not_supported_is_refused_where_it_is_reached() -> None:
    network = rebuilt(WithUnsupported())
    inputs = torch.ones(2, 3)
    assert torch.equal(network(inputs), inputs)
    network.write("rare", True)
    with pytest.raises(InvalidUploadError) as caught:
        network(inputs)
    assert "aten::bincount is not supported (code/__torch__/" in caught.value.detail
    assert re.search(r"line \d+\)", caught.value.detail)
    assert "Inner.forward of module 'inner'" in caught.value.detail


def test_what_is_no_archive_is_refused() -> None:
    for content in (b"", b"PK", b"\x80\x04N.", archive_of(scripted(nn.Linear(2, 2)))[:600]):
        with pytest.raises(InvalidUploadError, match="cannot read"):
            rebuild(content)


class EndlessLoop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        i = 0
        while i >= 0:
            i = (i + 1) % 10
        return x


class LongLoop(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        turns = 0
        for _ in range(9223372036854775807):
            turns = (turns + 1) % 7
        return x + turns


class DoublingList(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        values = [0]
        for _ in range(60):
            values = values + values
        return x + len(values)


class ExtendingList(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        values = [0]
        for _ in range(60):
            values.extend(values)
        return x + len(values)


class RepeatedList(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        values = [0] * 1099511627776
        return x + len(values)


class DoublingText(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        text = "a"
        for _ in range(60):
            text = text + text
        return x + len(text)


class FormattedText(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        text = "a{}"
        for _ in range(60):
            text = "{}{}".format(text, text) + text + text  # noqa: UP032
        return x + len(text)


class GrowingInteger(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        value = 3
        for _ in range(60):
            value = value * value
        return x + value


class Zeros(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.zeros(1099511627776)


class Full(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.new_full([65536, 65536, 64], 1.0)


class Empty(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.empty([1048576, 1048576])


class Range(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.arange(0, 1.0, 1e-12)


class Identity(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.eye(1048576)


class Random(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.randn([1048576, 1048576])


class Repeat(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.repeat(1048576, 1048576)


class Expand(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x.flatten()[:1].expand(1099511627776).contiguous()


class Outer(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        ones = torch.ones(1048576)
        return ones.unsqueeze(0) * ones.unsqueeze(1)


class Product(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        ones = torch.ones(1048576, 1)
        return ones @ ones.t()


class Linear(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        ones = torch.ones(1048576, 1)
        return nn.functional.linear(ones, ones)


class Padding(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.pad(x, [0, 1048576, 0, 1048576])


class OneHot(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.one_hot(torch.tensor([1099511627776])).float()


class Upsampled(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return nn.functional.interpolate(x.view(1, 1, 2, 3), size=[1048576, 1048576])


class Joined(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        parts = [torch.ones(65536) for _ in range(8192)]
        return torch.cat(parts + parts)


class Diagonal(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.diag(torch.ones(1048576))


HARMFUL = [
    EndlessLoop, LongLoop, DoublingList, ExtendingList, RepeatedList, DoublingText, FormattedText,
    GrowingInteger, Zeros, Full, Empty, Range, Identity, Random, Repeat, Expand, Outer, Product, Linear,
    Padding, OneHot, Upsampled, Joined, Diagonal,
]  # fmt: skip


@pytest.mark.parametrize("network", HARMFUL, ids=lambda network: network.__name__)
def test_what_would_take_all_time_or_memory_is_refused_before_it_does(
    network: type[nn.Module], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("workers.uploads.torchscript.runtime.MAX_STATEMENTS", 200_000)
    copy = rebuilt(network())
    with pytest.raises(UnsafeUploadError) as caught:
        copy(torch.ones(2, 3))
    assert "of module 'the network itself'" in caught.value.detail


def test_a_budget_is_for_one_forward_pass(monkeypatch: pytest.MonkeyPatch) -> None:
    network, inputs = ZOO["data_dependent_loop"]()
    copy = rebuilt(network)
    monkeypatch.setattr("workers.uploads.torchscript.runtime.MAX_STATEMENTS", 500)
    for _ in range(20):
        copy(inputs)


def two(x: Tensor) -> Tensor:
    return torch.relu(torch.sigmoid(x))


def four(x: Tensor) -> Tensor:
    return two(two(x))


def eight(x: Tensor) -> Tensor:
    return four(four(x))


def sixteen(x: Tensor) -> Tensor:
    return eight(eight(x))


class Doubling(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return sixteen(sixteen(x))


def test_functions_that_double_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Each function calls the next one twice; written into one another they would never end."""
    monkeypatch.setattr(compiler, "MAX_NODES", 50)
    with pytest.raises(UnsafeUploadError, match="statements"):
        rebuild(archive_of(scripted(Doubling())))


def test_too_deep_nesting_is_refused() -> None:
    lines = ["def forward(self, x: Tensor, n: int) -> Tensor:"]
    lines += ["    " * (i + 1) + f"if n > {i}:" for i in range(45)]
    lines += ["    " * 46 + "x = x + 1", "    return x", ""]
    with quietly():
        module = torch.jit.ScriptModule()
        module.define("\n".join(lines))
    with pytest.raises(UnsafeUploadError, match="nested"):
        rebuild(archive_of(module))


class Raises(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        if x.size(0) != 4:
            raise ValueError("only batches of four")
        return x


def test_an_error_that_the_network_raises_is_told() -> None:
    with pytest.raises(InvalidUploadError, match="only batches of four"):
        rebuilt(Raises())(torch.ones(2, 3))


class IndexesTooFar(nn.Module):
    def forward(self, x: Tensor, far: int = 7) -> Tensor:
        return x + [1, 2][far]


class DividesByZero(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return x + 1 // (x.dim() - 2)


@pytest.mark.parametrize("network", [IndexesTooFar, DividesByZero])
def test_a_fault_in_the_networks_code_is_told_with_its_place(network: type[nn.Module]) -> None:
    with pytest.raises(InvalidUploadError, match=rf"own code failed: .* in {network.__name__}\.forward"):
        rebuilt(network())(torch.ones(2, 3))


def test_an_error_of_pytorch_keeps_its_type_and_names_the_module() -> None:
    network = rebuilt(ZOO["mlp"]()[0])
    with pytest.raises(RuntimeError, match="shapes cannot be multiplied") as caught:
        network(torch.ones(2, 5))
    assert caught.value.__notes__ == ["In aten::linear, in Linear.forward of module '0'."]


def test_a_missing_argument_is_told() -> None:
    network = rebuilt(ZOO["mlp"]()[0])
    with pytest.raises(InvalidUploadError, match="takes"):
        network(torch.ones(2, 8), torch.ones(2, 8))


class BadDtype(nn.Module):
    def forward(self, x: Tensor, kind: int = 999) -> Tensor:
        return torch.zeros([2], dtype=kind)


def test_a_number_that_stands_for_no_dtype_is_refused() -> None:
    with pytest.raises(InvalidUploadError, match="ScalarType"):
        rebuilt(BadDtype())(torch.ones(2))


class Uninitialized(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        return torch.empty([1000]) + torch.empty_like(x).sum() + x.new_empty([1000])


def test_memory_that_was_not_written_is_not_shown() -> None:
    assert not rebuilt(Uninitialized())(torch.ones(1000)).any()


def test_integers_stay_away_from_the_extremes() -> None:
    assert limits.check_integer(-(2**53)) == -(2**53)
    assert limits.check_constant(limits.INT64_MAX) == limits.INT64_MAX
    for value in (-(2**63), limits.INT64_MAX - 1, [2**60]):
        with pytest.raises(limits.RefusalError):
            limits.check_constant(value)


def test_nothing_is_printed(capfd: pytest.CaptureFixture[str]) -> None:
    class Prints(nn.Module):
        def forward(self, x: Tensor) -> Tensor:
            print("flood", x)
            warnings.warn("flood", stacklevel=1)
            return x

    rebuilt(Prints())(torch.ones(2))
    assert capfd.readouterr().out == ""
