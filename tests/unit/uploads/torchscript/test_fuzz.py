"""Whatever an upload calls an operator with, the process lives."""

import os
import signal
from typing import Any

import pytest
import torch

from tests.support.hostile.fuzz import deaths, operators
from tests.support.torch_threads import one_thread

__all__ = ["one_thread"]


def test_a_few_calls_with_any_arguments_end_no_process() -> None:
    assert deaths(operators(), first_seed=0, calls=1500) == []


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_many_calls_with_any_arguments_end_no_process() -> None:
    assert deaths(operators(), first_seed=10**6, calls=200_000) == []


def test_a_call_that_ends_its_process_would_be_found() -> None:
    def die(*_: Any, **__: Any) -> None:
        os.kill(os.getpid(), signal.SIGSEGV)

    schema = torch.ops.aten.relu.default._schema
    assert deaths([("aten::deadly", schema, die)], first_seed=0, calls=2) == [
        (f"aten::deadly (seed {seed})", signal.SIGSEGV) for seed in range(2)
    ]
