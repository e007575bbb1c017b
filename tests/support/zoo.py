"""A zoo of small networks, one for each thing that uploaded archives do."""

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

Maker = Callable[[], tuple[nn.Module, Tensor]]
"""Makes a network and a batch of inputs for it."""

ZOO: dict[str, Maker] = {}
"""By name."""

SCRIPT_ONLY = {"data_dependent_loop", "script_class", "named_output", "several_outputs", "counter", "fork"}
"""Networks of which a trace is another network, or none."""


def zoo(maker: Maker) -> Maker:
    """Add a network to the zoo."""
    ZOO[maker.__name__] = maker
    return maker


@zoo
def mlp() -> tuple[nn.Module, Tensor]:
    layers = [nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 16), nn.Sigmoid(), nn.Dropout(0.3), nn.Linear(16, 3)]
    return nn.Sequential(*layers), torch.randn(6, 8)


@zoo
def cnn() -> tuple[nn.Module, Tensor]:
    layers = [
        nn.Conv2d(1, 4, 3, padding=1), nn.BatchNorm2d(4), nn.ReLU(inplace=True), nn.MaxPool2d(2),
        nn.Conv2d(4, 8, 3), nn.GroupNorm(2, 8), nn.LeakyReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(),
        nn.Linear(8, 3),
    ]  # fmt: skip
    return nn.Sequential(*layers), torch.randn(5, 1, 8, 8)


class _Residual(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm1 = nn.BatchNorm2d(4)
        self.conv2 = nn.Conv2d(4, 4, 3, padding=1, bias=False)
        self.norm2 = nn.BatchNorm2d(4)

    def forward(self, x: Tensor) -> Tensor:
        y = functional.relu(self.norm1(self.conv1(x)))
        return functional.relu(self.norm2(self.conv2(y)) + x, inplace=True)


class _ResNet(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.stem = nn.Conv2d(1, 4, 3)
        self.blocks = nn.ModuleList([_Residual(), _Residual()])
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = self.stem(x)
        for block in self.blocks:
            x = block(x)
        return self.head(x.mean(dim=(2, 3)))


@zoo
def residual() -> tuple[nn.Module, Tensor]:
    return _ResNet(), torch.randn(4, 1, 8, 8)


class _Recurrent(nn.Module):
    def __init__(self, recurrent: nn.Module, features: int) -> None:
        super().__init__()
        self.recurrent = recurrent
        self.head = nn.Linear(features, 3)

    def forward(self, x: Tensor) -> Tensor:
        states, _ = self.recurrent(x)
        return self.head(states[:, -1])


@zoo
def lstm() -> tuple[nn.Module, Tensor]:
    return _Recurrent(nn.LSTM(4, 6, num_layers=2, batch_first=True, dropout=0.2), 6), torch.randn(3, 7, 4)


@zoo
def lstm_with_projections() -> tuple[nn.Module, Tensor]:
    layer = nn.LSTM(4, 6, num_layers=2, batch_first=True, bidirectional=True, proj_size=3)
    return _Recurrent(layer, 6), torch.randn(3, 7, 4)


@zoo
def gru() -> tuple[nn.Module, Tensor]:
    return _Recurrent(nn.GRU(4, 6, batch_first=True, bidirectional=True), 12), torch.randn(3, 7, 4)


@zoo
def rnn() -> tuple[nn.Module, Tensor]:
    return _Recurrent(nn.RNN(4, 6, batch_first=True, nonlinearity="relu"), 6), torch.randn(3, 7, 4)


class _CellLoop(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.cell = nn.LSTMCell(4, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), 6, device=x.device)
        c = torch.zeros(x.size(0), 6, device=x.device)
        for t in range(x.size(1)):
            h, c = self.cell(x[:, t], (h, c))
        return self.head(h)


@zoo
def cell_loop() -> tuple[nn.Module, Tensor]:
    return _CellLoop(), torch.randn(3, 5, 4)


class _GateLoop(nn.Module):
    """A recurrence written by hand."""

    def __init__(self) -> None:
        super().__init__()
        self.given = nn.Linear(4, 12)
        self.carried = nn.GRUCell(4, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        h = torch.zeros(x.size(0), 6)
        for t in range(x.size(1)):
            keep, write = self.given(x[:, t]).chunk(2, dim=1)
            h = torch.sigmoid(keep) * self.carried(x[:, t], h) + torch.tanh(write)
        return self.head(h)


@zoo
def gate_loop() -> tuple[nn.Module, Tensor]:
    return _GateLoop(), torch.randn(3, 5, 4)


class _Transformer(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(8, 2, 16, dropout=0.1, batch_first=True)
        self.embed = nn.Embedding(10, 8)
        self.position = nn.Parameter(torch.randn(5, 8) * 0.1)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(self.embed(x) + self.position).mean(dim=1))


@zoo
def transformer() -> tuple[nn.Module, Tensor]:
    return _Transformer(), torch.randint(0, 10, (4, 5))


class _DataDependent(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.inner = nn.Linear(6, 6)
        self.head = nn.Linear(6, 3)

    def forward(self, x: Tensor) -> Tensor:
        turns = 0
        while bool(x.norm() > 3.0) and turns < 8:
            x = torch.tanh(self.inner(x)) * 0.8
            turns += 1
        if bool(x.sum() > 0):  # noqa: SIM108 - it is to be a condition
            x = x * 2.0
        else:
            x = -x
        for i in range(3):
            if i == 1:
                continue
            x = x + i * 0.1
        return self.head(x) + float(turns)


@zoo
def data_dependent_loop() -> tuple[nn.Module, Tensor]:
    return _DataDependent(), torch.randn(4, 6) * 3


class Scale:
    def __init__(self, factor: float) -> None:
        self.factor = factor
        self.uses = 0

    def apply(self, x: Tensor) -> Tensor:
        self.uses += 1
        return x * self.factor

    def count(self) -> int:
        return self.uses


class _WithClass(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        scale = Scale(0.5)
        for _ in range(3):
            x = scale.apply(x)
        return self.linear(x) + scale.count()


@zoo
def script_class() -> tuple[nn.Module, Tensor]:
    return _WithClass(), torch.randn(4, 4)


class _Containers(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linears = nn.ModuleDict({"first": nn.Linear(4, 5), "second": nn.Linear(4, 5)})
        self.head = nn.Linear(10, 3)
        self.weights: dict[str, float] = {"first": 0.5, "second": 2.0}

    def forward(self, x: Tensor) -> Tensor:
        outputs: dict[str, Tensor] = {}
        for name, linear in self.linears.items():
            outputs[name] = torch.relu(linear(x)) * self.weights[name]
        parts: list[Tensor] = []
        for name in outputs:
            parts.append(outputs[name])  # noqa: PERF401 - it is to be an append
        message = f"a{len(parts)}b"
        assert message == "a2b", "two parts"
        return self.head(torch.cat(parts, dim=1))


@zoo
def containers() -> tuple[nn.Module, Tensor]:
    return _Containers(), torch.randn(4, 4)


class Outputs(NamedTuple):
    logits: Tensor
    hidden: Tensor


class _Named(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.first = nn.Linear(4, 5)
        self.head = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Outputs:
        hidden = torch.relu(self.first(x))
        return Outputs(self.head(hidden), hidden)


@zoo
def named_output() -> tuple[nn.Module, Tensor]:
    return _Named(), torch.randn(4, 4)


class _Tied(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.embed = nn.Embedding(7, 6)
        self.inner = nn.Linear(6, 6)
        self.head = nn.Linear(6, 7, bias=False)
        self.head.weight = self.embed.weight

    def forward(self, x: Tensor) -> Tensor:
        return self.head(torch.tanh(self.inner(self.embed(x))))


@zoo
def tied() -> tuple[nn.Module, Tensor]:
    return _Tied(), torch.randint(0, 7, (4, 3))


class _Several(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Linear(4, 6)
        self.left = nn.Linear(6, 3)
        self.right = nn.Linear(6, 2)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        y = functional.gelu(self.body(x))
        return {"left": self.left(y), "right": self.right(y)}


@zoo
def several_outputs() -> tuple[nn.Module, Tensor]:
    return _Several(), torch.randn(4, 4)


class _Functional(nn.Module):
    """Layers without modules."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(6, 4) * 0.3)
        self.bias = nn.Parameter(torch.zeros(6))
        self.product = nn.Parameter(torch.randn(6, 5) * 0.3)
        self.gain = nn.Parameter(torch.ones(5))
        self.head = nn.Linear(5, 3)

    def forward(self, x: Tensor) -> Tensor:
        x = functional.elu(functional.linear(x, self.weight, self.bias))
        x = functional.layer_norm(torch.matmul(x, self.product), (5,), self.gain)
        x = functional.relu(x) + functional.relu(-x) + functional.softmax(x, dim=-1)
        return self.head(functional.dropout(x, 0.1, self.training))


@zoo
def functional_layers() -> tuple[nn.Module, Tensor]:
    return _Functional(), torch.randn(5, 4)


class _Counter(nn.Module):
    """State of its own, changed in the forward pass."""

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(1))
        self.calls = 0
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        self.seen += x.detach().mean()
        return self.linear(x) * self.seen + self.calls


@zoo
def counter() -> tuple[nn.Module, Tensor]:
    return _Counter(), torch.randn(4, 4)


class _Twice(nn.Module):
    """The same modules called twice: a tracer writes the second call as `forward1`."""

    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 4)
        self.act = nn.Tanh()
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.act(self.linear(self.act(self.linear(x)))))


@zoo
def twice() -> tuple[nn.Module, Tensor]:
    return _Twice(), torch.randn(4, 4)


class _NoGrad(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        with torch.no_grad():
            scale = self.linear(x).abs().mean()
        return self.linear(x) / (scale + 1.0)


@zoo
def without_gradient() -> tuple[nn.Module, Tensor]:
    return _NoGrad(), torch.randn(4, 4)


class _Fork(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.left = nn.Linear(4, 3)
        self.right = nn.Linear(4, 3)

    def forward(self, x: Tensor) -> Tensor:
        future = torch.jit.fork(self.left, x)
        y = torch.tanh(self.right(x))
        return torch.jit.wait(future) + y


@zoo
def fork() -> tuple[nn.Module, Tensor]:
    return _Fork(), torch.randn(4, 4)
