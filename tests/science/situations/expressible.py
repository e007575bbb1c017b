"""Situations' networks that a model spec can express, with the plan that a client would send."""

from typing import Any

from service.contract.job import JobRequest
from service.contract.planning import plan_network
from tests.science.situations.situation import Job
from workers.data import load_dataset
from workers.models import build_network, layer_infos

DIGITS: dict[str, Any] = {"kind": "builtin", "name": "digits"}
Layers = list[dict[str, Any]]


def requested(model: dict[str, Any], seed: int, data: dict[str, Any] = DIGITS, **training: Any) -> Job:
    """The job that this request makes."""
    request = JobRequest.model_validate({"model": model, "data": data, "training": {"seed": seed} | training})
    planned = plan_network(request.model, request.data.shape, request.training)
    return Job(
        network=build_network(planned, seed),
        layers=layer_infos(planned),
        dataset=load_dataset(request.data, seed),
        training=request.training,
        loss=planned.loss,
        probe=request.probe,
    )


def spec(layers: Layers, seed: int, data: dict[str, Any] = DIGITS, **training: Any) -> Job:
    """A job on a list of layers."""
    return requested({"kind": "spec", "layers": layers}, seed, data, **training)


def linear(units: int | str, init: str | dict[str, Any] = "torch_default", **fields: Any) -> dict[str, Any]:
    """A linear layer; with weights of a named distribution come biases of zero."""
    biases = {} if init == "torch_default" else {"bias_init": "zeros"}
    return {"op": "linear", "units": units, "init": init, **biases, **fields}


def activation(function: str) -> dict[str, Any]:
    return {"op": "activation", "function": function}


def hidden(function: str, init: str | dict[str, Any], width: int = 64, norm: str | None = None) -> Layers:
    """One hidden layer: weights, perhaps a normalisation, activation."""
    return [linear(width, init), *([{"op": norm}] if norm else []), activation(function)]


def plain(depth: int, function: str, init: str | dict[str, Any], **fields: Any) -> Layers:
    """`depth` hidden layers in a row and a head with Xavier's weights."""
    repeated = {"op": "repeat", "times": depth, "layers": hidden(function, init, **fields)}
    return [{"op": "flatten"}, repeated, linear("targets", "xavier_normal")]


def residual(depth: int, norm: str | None = None, scale: Any = 1.0, head: str = "torch_default") -> Layers:
    """`depth` residual blocks x + scale · relu(norm(Wx)) between two linear layers."""
    block = {"op": "residual", "layers": hidden("relu", "he_normal", norm=norm), "scale": scale}
    repeated = {"op": "repeat", "times": depth, "layers": [block]}
    return [{"op": "flatten"}, linear(64), repeated, linear("targets", head)]
