"""The grid's networks as jobs: from a cell's words to the request, and to its trace as a worker makes it."""

from typing import Any

import torch

from service.contract.job import JobRequest
from service.contract.planning import plan_network
from workers.data import load_dataset
from workers.models import build_network, layer_infos
from workers.probes.trace import Trace
from workers.training import train_and_probe

ACTIVATIONS = {"leaky": "leaky_relu"}
"""Those that the grid calls otherwise."""
INITIALISERS: dict[str, Any] = {
    "small": {"name": "normal", "std": 0.01},
    "xavier": "xavier_normal",
    "he": "he_normal",
    "orthogonal": "orthogonal",
    "torch": "torch_default",
}
NORMALISATIONS = {"batchnorm": "batch_norm", "layernorm": "layer_norm"}
STEPS, BATCH = 117, 32
"""The grid's budget."""
WIDTH = 64
MOMENTUM = 0.9
"""Of the grid's SGD."""


def model_of(depth: int, activation: str, initialiser: str, architecture: str = "plain") -> dict[str, Any]:
    """The model of a cell: `depth` hidden layers of 64 units and a head, all initialised alike. Biases start
    at zero, except with PyTorch's own initialisation."""
    biases = {} if initialiser == "torch" else {"bias_init": "zeros"}
    weights = {"op": "linear", "init": INITIALISERS[initialiser], **biases}
    norm = [{"op": NORMALISATIONS[architecture]}] if architecture in NORMALISATIONS else []
    function = ACTIVATIONS.get(activation, activation)
    block = [{**weights, "units": WIDTH}, *norm, {"op": "activation", "function": function}]
    repeated = [{"op": "residual", "layers": block}] if architecture == "residual" else block
    rest = {"op": "repeat", "times": depth - 1, "layers": repeated}
    head = {**weights, "units": "targets"}
    return {"kind": "spec", "layers": [{"op": "flatten"}, *block, rest, head]}


def plan_of(optimizer: str, learning_rate: float, *, steps: int = STEPS, seed: int = 0) -> dict[str, Any]:
    """The grid's training; its SGD has momentum."""
    momentum = {"momentum": MOMENTUM} if optimizer == "sgd" else {}
    return {
        "optimizer": optimizer,
        "learning_rate": learning_rate,
        "steps": steps,
        "batch_size": BATCH,
        "seed": seed,
        **momentum,
    }


def trace_of(model: dict[str, Any], data: dict[str, Any], training: dict[str, Any]) -> Trace:
    """The trace that a job with this request would leave."""
    request = JobRequest.model_validate({"model": model, "data": data, "training": training})
    planned = plan_network(request.model, request.data.shape, request.training)
    seed = request.training.seed
    return train_and_probe(
        build_network(planned, seed), layer_infos(planned), load_dataset(request.data, seed),
        request.training, request.probe, planned.loss, torch.device("cpu"), lambda _step, _loss: None,
    )  # fmt: skip
