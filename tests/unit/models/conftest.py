import pytest
import torch

from tests.support.torch_threads import one_thread

__all__ = ["one_thread", "repeatable"]


@pytest.fixture(autouse=True)
def repeatable() -> None:
    torch.manual_seed(0)
