"""Archives as torch writes them: they pass, and hold the same network."""

from collections.abc import Callable
from io import BytesIO
from typing import Any, NamedTuple, Optional

import pytest
import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.support.hostile.writing import torchscript
from tests.support.torch_threads import one_thread
from workers.uploads.archive import clean_torchscript
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError

__all__ = ["one_thread"]

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")


class Last(nn.Module):
    """The last step of a recurrent layer."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.GRU(4, 5, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


class Outputs(NamedTuple):
    values: Tensor
    mean: Tensor


class Odd(nn.Module):
    """What the plain layers do not show: defaults, texts with brackets, control flow, several outputs."""

    sizes: list[int]

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(6, 6)
        self.tied = nn.Linear(6, 6)
        self.tied.weight = self.layer.weight
        self.sizes = [1, 2]
        self.title = 'a "text" with (([[{{ and \n and ü'
        self.limits = {"low": -1.0, "high": float("inf")}
        self.register_buffer("seen", torch.zeros(1).expand(5))
        self.register_buffer("empty", torch.zeros(0, 3))

    def forward(self, x: Tensor, scale: float = -0.5, mask: Optional[Tensor] = None) -> Outputs:  # noqa: UP045
        for size in self.sizes:
            x = self.tied(functional.relu(self.layer(x))) * size
        if mask is not None:
            x = x * mask
        elif x.sum() > self.limits["high"]:
            raise ValueError(self.title)
        with torch.no_grad():
            x = x + 0.0 * self.seen.sum()
        return Outputs(x * scale, x.mean() * len(self.title))


NETWORKS: dict[str, tuple[Callable[[], nn.Module], tuple[int, ...]]] = {
    "mlp": (lambda: nn.Sequential(nn.Linear(6, 8), nn.Sigmoid(), nn.Linear(8, 2)), (3, 6)),
    "cnn": (
        lambda: nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.Flatten()),
        (2, 1, 5, 5),
    ),
    "gru": (Last, (2, 3, 4)),
    "transformer": (lambda: nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dropout=0.0), (2, 3, 8)),
    "embedding": (lambda: nn.Embedding(10, 4).double(), ()),
    "odd": (Odd, (2, 6)),
}


def script(network: nn.Module, _example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.script(network)


def trace(network: nn.Module, example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.trace(network, example, check_trace=False, strict=False)


def freeze(network: nn.Module, _example: Tensor) -> torch.jit.ScriptModule:
    return torch.jit.freeze(torch.jit.script(network.eval()))


def saved(network: torch.jit.ScriptModule) -> bytes:
    buffer = BytesIO()
    torch.jit.save(network, buffer)
    return buffer.getvalue()


def flat(value: Any) -> list[Tensor]:
    if isinstance(value, Tensor):
        return [value]
    return [tensor for item in value for tensor in flat(item)] if isinstance(value, tuple) else []


@pytest.mark.parametrize("convert", [script, trace, freeze])
@pytest.mark.parametrize("name", NETWORKS)
@pytest.mark.filterwarnings("ignore::torch.jit.TracerWarning", "ignore::UserWarning")
def test_an_honest_archive_passes_and_holds_the_same_network(name: str, convert: Any) -> None:
    torch.manual_seed(0)
    make, shape = NETWORKS[name]
    example = torch.randn(shape) if shape else torch.arange(5)
    content = saved(convert(make().eval(), example))

    cleaned = clean_torchscript(BytesIO(content))

    before, after = (torch.jit.load(BytesIO(archive)) for archive in (content, cleaned))
    for ours, theirs in zip(flat(after(example)), flat(before(example)), strict=True):
        assert torch.equal(ours, theirs)
    assert list(after.state_dict()) == list(before.state_dict())


def test_the_example_that_hostile_archives_vary_is_itself_a_network() -> None:
    network = torch.jit.load(BytesIO(clean_torchscript(BytesIO(torchscript()))))
    assert torch.equal(network(torch.ones(2, 4)), torch.ones(2, 4))


def test_a_cleaned_archive_is_clean() -> None:
    once = clean_torchscript(BytesIO(torchscript()))
    assert clean_torchscript(BytesIO(once)) == once


def test_other_files_in_an_archive_are_left_behind() -> None:
    network = torch.jit.script(nn.Linear(2, 2))
    buffer = BytesIO()
    torch.jit.save(network, buffer, _extra_files={"notes.txt": b"by somebody"})
    cleaned = clean_torchscript(BytesIO(buffer.getvalue()))
    assert b"by somebody" in buffer.getvalue()
    assert b"by somebody" not in cleaned
    assert b"debug_pkl" not in cleaned


def test_a_file_larger_than_the_limit_is_refused_by_its_size() -> None:
    content = torchscript()
    with pytest.raises(InvalidUploadError, match=f"{len(content):,} bytes; the most is 100"):
        clean_torchscript(BytesIO(content), max_bytes=100)


def test_quantised_networks_are_refused_for_the_code_that_they_run_at_loading() -> None:
    code = "class Q(Module):\n  def __getstate__(self: __torch__.Q) -> int:\n    return 1\n"
    with pytest.raises(UnsafeUploadError, match="quantised"):
        clean_torchscript(BytesIO(torchscript(code)))
