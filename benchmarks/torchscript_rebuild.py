"""How fast a rebuilt network trains: seconds per step, as ratios to TorchScript and to the original.

Run: `python -m benchmarks.torchscript_rebuild`. The forms take turns step by step, so that other load on the
machine falls on all of them; the median step of each is compared.
"""

import argparse
import io
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from workers.uploads.torchscript import rebuild

Step = Callable[[], None]


def mlp(depth: int = 12, width: int = 128) -> tuple[nn.Module, Tensor]:
    """So small that the step's time goes to calling operators."""
    layers: list[nn.Module] = []
    for _ in range(depth):
        layers += [nn.Linear(width, width), nn.ReLU()]
    return nn.Sequential(*layers, nn.Linear(width, 10)), torch.randn(64, width)


def cnn() -> tuple[nn.Module, Tensor]:
    """Convolutions with batch normalisation."""
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, padding=1)]
    for _ in range(3):
        layers += [nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 32, 3, padding=1)]
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(32, 10)), torch.randn(
        16, 3, 16, 16
    )


class LastState(nn.Module):
    """A recurrent layer and a linear one on its last state."""

    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.GRU(32, 64, batch_first=True)
        self.head = nn.Linear(64, 10)

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.recurrent(x)[0][:, -1])


def gru() -> tuple[nn.Module, Tensor]:
    """A fused recurrent layer."""
    return LastState(), torch.randn(16, 32, 32)


def transformer() -> tuple[nn.Module, Tensor]:
    """An encoder, in whose scripted form there is much arithmetic on sizes."""
    layer = nn.TransformerEncoderLayer(64, 4, 128, dropout=0.0, batch_first=True)
    return nn.TransformerEncoder(layer, 4, enable_nested_tensor=False), torch.randn(16, 16, 64)


NETWORKS = {"mlp 12x128": mlp, "cnn": cnn, "gru": gru, "transformer": transformer}


def step_of(network: nn.Module, inputs: Tensor) -> Step:
    """A training step with plain gradient descent."""
    parameters = list(network.parameters())
    optimizer = torch.optim.SGD(parameters, lr=1e-4)

    def step() -> None:
        optimizer.zero_grad()
        network(inputs).square().mean().backward()
        optimizer.step()

    return step


def time_in_turns(steps: dict[str, Step], repeats: int) -> dict[str, float]:
    """Median seconds of each, taken in turns after a few steps that do not count."""
    seconds: dict[str, list[float]] = {name: [] for name in steps}
    for repeat in range(repeats + 5):
        for name, step in steps.items():
            begin = time.process_time()
            step()
            if repeat >= 5:
                seconds[name].append(time.process_time() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def compare(network: nn.Module, inputs: Tensor, form: str, repeats: int) -> dict[str, float]:
    """Seconds per step of the original, of TorchScript and of the rebuilt network."""
    script = torch.jit.script(network) if form == "script" else torch.jit.trace(network, inputs)
    archive = io.BytesIO()
    torch.jit.save(script, archive)
    forms = {
        "eager": network,
        "torchscript": torch.jit.load(io.BytesIO(archive.getvalue())),
        "rebuilt": rebuild(archive.getvalue()),
    }
    return time_in_turns({name: step_of(module, inputs) for name, module in forms.items()}, repeats)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repeats", type=int, default=100)
    repeats = parser.parse_args().repeats
    torch.set_num_threads(1)
    print(f"{'network':22} {'eager ms':>9} {'rebuilt/eager':>14} {'rebuilt/torchscript':>20}")
    for name, make in NETWORKS.items():
        for form in ("script", "trace"):
            torch.manual_seed(0)
            times = compare(*make(), form, repeats)
            eager, script, rebuilt = times["eager"], times["torchscript"], times["rebuilt"]
            print(
                f"{name + ' ' + form:22} {eager * 1e3:9.2f} {rebuilt / eager:14.3f} {rebuilt / script:20.3f}"
            )


if __name__ == "__main__":
    main()
