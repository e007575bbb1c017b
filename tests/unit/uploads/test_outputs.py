"""Choosing one of a network's outputs."""

from collections import namedtuple
from typing import Any

import pytest
import torch
from torch import nn

from workers.uploads.errors import InvalidUploadError
from workers.uploads.network import SelectOutput

FIRST, SECOND = torch.zeros(4, 2), torch.ones(4, 3)
Named = namedtuple("Named", "logits aux")


def choose(name: int | str | None, output: Any) -> Any:
    return SelectOutput(name)(nn.Identity(), (), output)


@pytest.mark.parametrize(
    ("name", "output"),
    [
        (None, SECOND),
        (None, (SECOND,)),
        (None, {"out": SECOND}),
        (1, (FIRST, SECOND)),
        (1, [FIRST, SECOND]),
        ("out", {"out": SECOND, "aux": FIRST}),
        ("aux", Named(FIRST, SECOND)),
        ("1", (FIRST, SECOND)),
    ],
)
def test_an_output_is_found_by_index_key_or_name(name: int | str | None, output: Any) -> None:
    assert choose(name, output) is SECOND


@pytest.mark.parametrize(
    ("name", "output", "said"),
    [
        (None, (FIRST, SECOND), "2 outputs (0: (4, 2), 1: (4, 3)): choose one tensor with model.output"),
        (None, {"out": FIRST, "aux": SECOND}, "a dictionary with 'out': (4, 2), 'aux': (4, 3)"),
        (0, FIRST, "one tensor, of shape (4, 2): leave model.output out"),
        ("out", FIRST, "one tensor, of shape (4, 2): leave model.output out"),
        ("aux", {"out": FIRST}, 'model.output is "aux", but the network gives a dictionary'),
        (2, (FIRST, SECOND), 'model.output is "2", but the network gives 2 outputs'),
        ("logit", Named(FIRST, SECOND), "logits: (4, 2), aux: (4, 3)"),
        (0, ((FIRST, SECOND), FIRST), 'its output "0" is 2 outputs'),
        (None, ((FIRST, SECOND),), "2 outputs (0: (4, 2), 1: (4, 3))"),
        (None, None, "a NoneType"),
    ],
)
def test_a_choice_that_leads_nowhere_is_told_what_there_is(name: Any, output: Any, said: str) -> None:
    with pytest.raises(InvalidUploadError) as refused:
        choose(name, output)
    assert said in refused.value.detail
