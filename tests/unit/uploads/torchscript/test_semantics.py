"""Numbers, texts, lists and dictionaries behave in the interpreter as in TorchScript."""

import math

import pytest
import torch
from torch import Tensor, nn

from tests.support.torchscript import archive_of, loaded, scripted
from workers.uploads.torchscript import rebuild


class Integers(nn.Module):
    def forward(self, a: int, b: int) -> list[float]:
        return [
            float(a + b), float(a - b), float(a * b), a / b, float(a // b), float(a % b), float(-a),
            float(abs(a)),
            float(a**2), float(min(a, b)), float(max(a, b)), float(a & b), float(a | b), float(a ^ b),
            float(a == b), float(a < b), float(bool(a)), float(int(a / b)),
        ]  # fmt: skip


class Floats(nn.Module):
    def forward(self, a: float, b: float) -> list[float]:
        return [
            a + b, a - b, a * b, a / b, a // b, a % b, -a, abs(a), abs(a) ** b, float(round(a)),
            float(math.floor(a)),
            float(math.ceil(a)), math.sqrt(abs(a)), math.exp(b), math.log(abs(a) + 1.0), float(int(a)),
            float(a >= b), min(a, b), float(math.isnan(a)), math.tanh(a),
        ]  # fmt: skip


class Texts(nn.Module):
    def forward(self, text: str, count: int) -> list[str]:
        parts = text.split(",")
        return [
            text + "!", text.upper(), text[1:3], text[-1], ",".join(parts), str(count), str(count > 2),
            f"{text}-{count}", text.strip(), str(text == "a"), str("b" in text), str(len(text)),
            str(text.startswith("a")), str(text.endswith("c")), str(text.find("b")), f"{count}", parts[0],
        ]  # fmt: skip


class Lists(nn.Module):
    def forward(self, values: list[int], tensor: Tensor) -> tuple[list[int], list[Tensor], int]:
        copied = values.copy()
        copied.append(5)
        copied.extend([7, 3])
        copied.insert(1, 9)
        last = copied.pop()
        copied.reverse()
        copied.sort()
        copied[0] = 11
        del copied[2]
        copied += [1]
        tensors = [tensor, tensor + 1]
        tensors.append(tensor * 2)
        first, second = values[0], values[-1]
        squares = [value * value for value in copied[1:]]
        total = sum(squares) + last + first + second + copied.index(11) + int(4 in copied) + len(tensors)
        return copied + squares + [0] * 2 + list(range(3)) + sorted(values), tensors[::-1], total


class Dictionaries(nn.Module):
    def forward(self, tensor: Tensor) -> tuple[list[str], list[int], int]:
        counts: dict[str, int] = {"a": 1, "b": 2}
        counts["c"] = 3
        counts.update({"d": 4})
        counts.setdefault("e", 5)
        got = counts.get("z", 9) + counts.pop("a") + len(counts)
        del counts["b"]
        total = 0
        for key, value in counts.items():
            total += value if key != "c" else 10 * value
        return list(counts.keys()), list(counts.values()), total + got + int("d" in counts)


class Optionals(nn.Module):
    def forward(self, tensor: Tensor, other: Tensor | None = None, scale: float = 2.0) -> Tensor:
        if other is None:
            other = tensor * scale
        for i, part in enumerate(tensor.unbind(0)):
            if i == 2:
                break
            tensor = tensor + part * i
        for left, right in zip([1, 2], [3, 4], strict=False):
            tensor = tensor + left * right
        return tensor + other


CASES = [
    *((Integers, (a, b)) for a, b in ((7, 3), (-7, 3), (7, -3), (-7, -3), (0, 5), (10**9, -7))),
    *((Floats, (a, b)) for a, b in ((7.5, 2.0), (-7.5, 2.0), (2.5, -0.75), (-0.5, -3.0), (1e10, 3.3))),
    *((Texts, (text, count)) for text, count in (("abc", 3), (" a,b,c", 1), ("cab", -2))),
    (Lists, ([4, 2, 3], torch.ones(2))),
    (Dictionaries, (torch.ones(1),)),
    (Optionals, (torch.arange(6.0).view(3, 2),)),
    (Optionals, (torch.arange(6.0).view(3, 2), torch.ones(2))),
]


@pytest.mark.parametrize(("network", "arguments"), CASES)
def test_a_program_gives_what_torchscript_gives(
    network: type[nn.Module], arguments: tuple[object, ...]
) -> None:
    archive = archive_of(scripted(network()))
    expected = loaded(archive)(*arguments)
    actual = rebuild(archive)(*arguments)
    torch.testing.assert_close(flat(actual), flat(expected), rtol=0, atol=0, equal_nan=True)


def flat(value: object) -> object:
    """Without the difference between tuples and lists; texts as numbers, which assert_close can compare."""
    if isinstance(value, list | tuple):
        return [flat(entry) for entry in value]
    if isinstance(value, str):
        return [ord(character) for character in value]
    return value


def test_arguments_can_be_given_by_name() -> None:
    copy = rebuild(archive_of(scripted(Optionals())))
    inputs = torch.ones(3, 2)
    assert torch.equal(copy(inputs, scale=2.0), copy(inputs))
    assert not torch.equal(copy(inputs, scale=3.0), copy(inputs))


class Tensors(nn.Module):
    """Operators that take dtypes, devices and sizes."""

    def forward(self, x: Tensor) -> list[Tensor]:
        n, m = x.shape
        mask = x > 0
        return [
            torch.zeros(n, m, dtype=x.dtype, device=x.device), torch.arange(m), torch.arange(1, 5, 2),
            torch.ones_like(x, dtype=torch.float64), x.to(torch.float16).float(), x.to(x.device), x.long(),
            torch.full((2,), 0.5), torch.linspace(0, 1, 3), torch.eye(3), torch.tensor([1.0, 2.0]),
            torch.tensor(m),
            x.masked_fill(mask, 0.0), torch.where(mask, x, -x), x[mask], x[:, None, 1:],
            x[torch.tensor([1, 0])],
            x.view(-1), x.reshape(m, n), x.permute(1, 0), x.expand(2, -1, -1), x.repeat(2, 1),
            torch.cat([x, x], 1),
            torch.stack([x, x]), x.chunk(2, 1)[0], x.split([1, m - 1], dim=1)[1], x.sum(),
            x.mean(1, keepdim=True),
            x.var(0), x.std(), x.max(dim=1)[0], x.argmax(1), x.topk(2)[0], x.sort(dim=1)[1], x.cumsum(0),
            torch.einsum("ij,kj->ik", x, x), x @ x.t(), torch.bmm(x[None], x.t()[None]), x.norm(),
            x.clamp(-1, 1),
            nn.functional.pad(x, [1, 1]), nn.functional.one_hot(torch.tensor([0, 2]), 4),
            x.float().type_as(x),
            nn.functional.interpolate(x[None, None], scale_factor=2.0), x.softmax(1, dtype=torch.float64),
            nn.functional.normalize(x, dim=1), nn.functional.cosine_similarity(x, x + 1), torch.tril(x),
            x.flip(0),
            x.roll(1, 0), torch.meshgrid(torch.arange(2), torch.arange(3), indexing="ij")[0],
            x.remainder(2.0),
            torch.div(x, 2.0, rounding_mode="floor"), torch.logsumexp(x, 1), torch.outer(x[0], x[1]),
            x.gather(1, x.argsort(1)),
        ]  # fmt: skip


def test_tensor_operators_give_what_torchscript_gives() -> None:
    archive = archive_of(scripted(Tensors()))
    inputs = torch.randn(3, 4)
    for actual, expected in zip(rebuild(archive)(inputs), loaded(archive)(inputs), strict=True):
        assert actual.dtype == expected.dtype
        assert torch.equal(actual, expected)


class Random(nn.Module):
    def forward(self, x: Tensor) -> Tensor:
        noise = torch.randn_like(x) + torch.rand([3, 4]) + torch.bernoulli(torch.full_like(x, 0.5))
        noise += (
            torch.randint(0, 5, [3, 4]) + torch.randperm(4) + torch.empty_like(x).normal_().uniform_(0.0, 1.0)
        )
        return nn.functional.dropout(nn.functional.rrelu(x + noise, training=True), 0.3, training=True)


def test_random_operators_draw_the_same_numbers() -> None:
    archive = archive_of(scripted(Random()))
    results = []
    for network in (rebuild(archive), loaded(archive)):
        torch.manual_seed(5)
        results.append(network(torch.ones(3, 4)))
    assert torch.equal(*results)
