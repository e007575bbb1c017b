"""Requests written as clients write them, and the plans and networks they make."""

from typing import Any

from pydantic import TypeAdapter
from torch import nn

from service.contract.data_spec import DataRequest
from service.contract.model_spec import ModelRequest
from service.contract.planning import NetworkPlan, SizeLimits, plan_network
from service.contract.training_plan import TrainingPlan
from workers.models import build_network

Written = dict[str, Any]

FLATTEN: Written = {"op": "flatten"}
HEAD: Written = {"op": "linear", "units": "targets"}
DIGITS: Written = {"kind": "builtin", "name": "digits"}

_MODEL: TypeAdapter[ModelRequest] = TypeAdapter(ModelRequest)
_DATA: TypeAdapter[DataRequest] = TypeAdapter(DataRequest)


def spec(*layers: Written) -> Written:
    return {"kind": "spec", "layers": list(layers)}


def synthetic(*shape: int, classes: int = 3, **fields: Any) -> Written:
    return {"kind": "synthetic", "input_shape": list(shape), "classes": classes, "samples": 60, **fields}


def plan(
    model: Written, data: Written = DIGITS, limits: SizeLimits | None = None, **training: Any
) -> NetworkPlan:
    return plan_network(
        _MODEL.validate_python(model),
        _DATA.validate_python(data).shape,
        TrainingPlan(**training),
        limits or SizeLimits(),
    )


def data_request(data: Written) -> DataRequest:
    return _DATA.validate_python(data)


def network(model: Written, data: Written = DIGITS, seed: int = 0) -> nn.Module:
    return build_network(plan(model, data), seed)
