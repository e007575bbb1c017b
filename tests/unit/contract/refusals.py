"""Refusals, and layers to nest."""

from typing import Any

import pytest

from service.contract.errors import InvalidRequestError
from tests.unit.models.requests import DIGITS, Written, plan

LINEAR: Written = {"op": "linear", "units": 64}


def refusal(model: Written, data: Written = DIGITS, **training: Any) -> InvalidRequestError:
    with pytest.raises(InvalidRequestError) as caught:
        plan(model, data, **training)
    return caught.value


def nested(op: str, depth: int, **fields: Any) -> Written:
    layer = LINEAR
    for _ in range(depth):
        layer = {"op": op, "layers": [layer], **fields}
    return layer
