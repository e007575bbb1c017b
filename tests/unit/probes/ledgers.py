"""Ledgers of networks written as clients write them."""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from tests.unit.models.requests import FLATTEN, HEAD, network, plan, spec, synthetic
from tests.unit.probes.networks import NETWORKS, TinyData, layer_infos, seeded
from workers.models import layer_infos as planned_infos
from workers.probes.ledger.measured import LedgerTrace
from workers.probes.ledger.recording import LedgerLog
from workers.probes.survey import survey
from workers.probes.trace import LayerInfo

Written = dict[str, Any]


def linear(units: int = 8, **changes: Any) -> Written:
    return {"op": "linear", "units": units, **changes}


def activation(function: str) -> Written:
    return {"op": "activation", "function": function}


def taken(
    net: nn.Module, infos: tuple[LayerInfo, ...], inputs: Tensor, targets: Tensor, scale: float | None = None
) -> LedgerTrace:
    log = LedgerLog(net, infos, survey(net, infos, inputs))
    net.train()
    factor = None if scale is None else torch.tensor(scale)
    log.measure(0, lambda: functional.cross_entropy(net(inputs), targets), factor)
    found = log.result()
    assert found is not None
    return found


def of_spec(*layers: Written, data: Written, samples: int = 16) -> LedgerTrace:
    """The ledger of a network made by the product, at a batch of noise."""
    model = spec(*layers)
    net = network(model, data)
    shape = data["input_shape"]
    generator = torch.Generator().manual_seed(1)
    if "vocabulary" in data:
        inputs = torch.randint(data["vocabulary"], (samples, *shape), generator=generator)
    else:
        inputs = torch.randn(samples, *shape, generator=generator)
    targets = torch.randint(3, (samples,), generator=generator)
    return taken(net, planned_infos(plan(model, data)), inputs, targets)


def hand_built(name: str) -> tuple[nn.Sequential, tuple[LayerInfo, ...], Tensor, Tensor]:
    build, shape = NETWORKS[name]
    net, data = seeded(build), TinyData.of(shape, 32)
    return net, layer_infos(net), data.train_inputs, data.train_targets


def local(found: LedgerTrace, layer: int) -> dict[str, float]:
    """Decades that each cause adds within a layer."""
    parts = (found.inputs - found.outputs)[0, layer]
    return dict(zip(found.causes, parts.tolist(), strict=True))


SEQUENCE, VECTOR, IMAGE = synthetic(20, 6), synthetic(6), synthetic(2, 8, 8)
ARCHITECTURES = {
    "mlp": ([{"op": "repeat", "times": 10, "layers": [linear(), activation("sigmoid")]}, HEAD], VECTOR),
    "cnn": (
        [
            {"op": "repeat", "times": 4, "layers": [{"op": "conv2d", "channels": 6}, activation("relu")]},
            {"op": "max_pool", "kernel_size": 2},
            FLATTEN,
            HEAD,
        ],
        IMAGE,
    ),
    "residual_batch_norm": (
        [
            linear(),
            {
                "op": "repeat",
                "times": 20,
                "layers": [
                    {"op": "residual", "layers": [linear(), {"op": "batch_norm"}, activation("relu")]}
                ],
            },
            HEAD,
        ],
        VECTOR,
    ),
    "transformer": (
        [
            linear(),
            {
                "op": "repeat",
                "times": 3,
                "layers": [
                    {"op": "residual", "layers": [{"op": "layer_norm"}, {"op": "attention", "heads": 2}]},
                    {
                        "op": "residual",
                        "layers": [{"op": "layer_norm"}, linear(16), activation("gelu"), linear(8)],
                    },
                ],
            },
            {"op": "global_avg_pool"},
            HEAD,
        ],
        SEQUENCE,
    ),
    **{
        cell: ([{"op": "recurrent", "cell": cell, "units": 8}, HEAD], SEQUENCE)
        for cell in ("rnn", "lstm", "gru")
    },
    "deep_lstm": (
        [
            {"op": "recurrent", "cell": "lstm", "units": 8, "return": "sequence"},
            {"op": "recurrent", "cell": "lstm", "units": 8},
            HEAD,
        ],
        SEQUENCE,
    ),
}
