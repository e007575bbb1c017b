"""Small hand-built networks, and a data set, with everything that a measured layer can be in."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from workers.probes.trace import LayerInfo, Task


class Residual(nn.Module):
    def __init__(self, *layers: nn.Module) -> None:
        super().__init__()
        self.layers = nn.Sequential(*layers)

    def forward(self, inputs: Tensor) -> Tensor:
        return inputs + self.layers(inputs)


class LastHidden(nn.Module):
    """An RNN cell by hand, fused-kernel-like interface: last hidden state, and a tap on all of them."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.weight_ih = nn.Parameter(torch.randn(units, features) / features**0.5)
        self.weight_hh = nn.Parameter(torch.randn(units, units) / units**0.5)
        self.bias = nn.Parameter(torch.zeros(units))
        self.time_tap: Callable[[Sequence[Tensor]], None] | None = None

    def forward(self, inputs: Tensor) -> Tensor:
        h = inputs.new_zeros(len(inputs), self.bias.numel())
        states = []
        for x in inputs.unbind(1):
            h = torch.tanh(x @ self.weight_ih.T + h @ self.weight_hh.T + self.bias)
            states.append(h)
        if self.time_tap is not None:
            self.time_tap(states)
        return states[-1]


class LSTM(nn.Module):
    """All outputs of the fused kernel."""

    def __init__(self, features: int, units: int) -> None:
        super().__init__()
        self.cell = nn.LSTM(features, units, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.cell(inputs)[0]
        return outputs


class SelfAttention(nn.Module):
    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.attention = nn.MultiheadAttention(width, heads, batch_first=True)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.attention(inputs, inputs, inputs, need_weights=False)[0]
        return outputs


class MeanOverTime(nn.Module):
    def forward(self, inputs: Tensor) -> Tensor:
        return inputs.mean(1)


MEASURED = {
    nn.Linear: "linear", nn.Conv2d: "conv2d", nn.BatchNorm2d: "batch_norm", nn.LayerNorm: "layer_norm",
    nn.MaxPool2d: "max_pool", nn.Flatten: "flatten", nn.Dropout: "dropout", Residual: "residual",
    LastHidden: "recurrent", LSTM: "recurrent", SelfAttention: "attention", MeanOverTime: "global_avg_pool",
    nn.Sigmoid: "activation", nn.Tanh: "activation", nn.ReLU: "activation", nn.GELU: "activation",
}  # fmt: skip


def layer_infos(network: nn.Module) -> tuple[LayerInfo, ...]:
    """A block after its inner layers, as the forward pass finishes them."""
    infos: list[LayerInfo] = []

    def visit(path: str, module: nn.Module, on_spine: bool) -> None:
        for name, child in module.named_children():
            if type(child) is not nn.Sequential and type(child) not in MEASURED:
                continue
            inner = f"{path}.{name}".lstrip(".")
            visit(inner, child, on_spine and not isinstance(child, Residual))
            if type(child) in MEASURED:
                op = MEASURED[type(child)]
                function = type(child).__name__.lower() if op == "activation" else None
                count = sum(p.numel() for p in child.parameters()) if op != "residual" else 0
                infos.append(LayerInfo(inner, op, function, count, count > 0, on_spine, ()))

    visit("", network, True)
    return tuple(infos)


@dataclass(frozen=True)
class TinyData:
    """Labels that a linear map of the inputs decides, so that there is something to learn."""

    train_inputs: Tensor
    train_targets: Tensor
    test_inputs: Tensor
    test_targets: Tensor
    task: Task = "classification"
    classes: int | None = 4
    chance: float = 0.25

    @classmethod
    def of(cls, shape: tuple[int, ...], samples: int = 640) -> "TinyData":
        generator = torch.Generator().manual_seed(3)
        inputs = torch.randn(samples, *shape, generator=generator)
        flat = inputs.flatten(1)
        targets = (flat @ torch.randn(flat.shape[1], 4, generator=generator)).argmax(1)
        half = samples // 2
        return cls(inputs[:half], targets[:half], inputs[half:], targets[half:])


def seeded(build: Callable[[], nn.Sequential], seed: int = 0) -> nn.Sequential:
    torch.manual_seed(seed)
    return build()


def mlp() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(12, 20), nn.Tanh(), nn.Linear(20, 20), nn.ReLU(), nn.Dropout(0.2),
        nn.Linear(20, 16), nn.Sigmoid(), nn.Linear(16, 4),
    )  # fmt: skip


def cnn() -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(2, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2),
        nn.Conv2d(6, 8, 3), nn.GELU(), nn.Flatten(), nn.Linear(8 * 2 * 2, 4),
    )  # fmt: skip


def residual() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(12, 16), Residual(nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 16)),
        Residual(nn.ReLU(), nn.Linear(16, 16)), nn.Linear(16, 4),
    )  # fmt: skip


def lstm() -> nn.Sequential:
    return nn.Sequential(LSTM(5, 8), LSTM(8, 8), MeanOverTime(), nn.Linear(8, 4))


def rnn() -> nn.Sequential:
    return nn.Sequential(LastHidden(5, 8), nn.Linear(8, 4))


def transformer() -> nn.Sequential:
    return nn.Sequential(
        nn.Linear(5, 8), Residual(nn.LayerNorm(8), SelfAttention(8, 2)),
        Residual(nn.LayerNorm(8), nn.Linear(8, 16), nn.GELU(), nn.Linear(16, 8)),
        MeanOverTime(), nn.Linear(8, 4),
    )  # fmt: skip


NETWORKS: dict[str, tuple[Callable[[], nn.Sequential], tuple[int, ...]]] = {
    "mlp": (mlp, (12,)),
    "cnn": (cnn, (2, 8, 8)),
    "residual": (residual, (12,)),
    "lstm": (lstm, (6, 5)),
    "rnn": (rnn, (6, 5)),
    "transformer": (transformer, (6, 5)),
}
