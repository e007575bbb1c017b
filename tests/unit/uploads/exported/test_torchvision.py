"""torchvision's architectures, exported and rebuilt."""

import pytest

from tests.support.pt2 import assert_same, export, saved
from tests.support.torch_threads import one_thread
from tests.support.vision import classifier
from workers.uploads.exported import load_exported

__all__ = ["one_thread"]

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{kind}")  # of torch.export itself
    for kind in ("FutureWarning", "DeprecationWarning", "UserWarning")
]
SLOW = [pytest.mark.slow, pytest.mark.timeout(600)]
ARCHITECTURES = [
    "squeezenet1_1",
    *(pytest.param(name, marks=SLOW) for name in ("resnet18", "mobilenet_v3_small", "swin_t")),
]


@pytest.mark.parametrize("name", ARCHITECTURES)
def test_an_architecture_trains_exactly_as_the_exported_program(name: str) -> None:
    network, inputs = classifier(name)
    program = export(network, inputs, dynamic=False)
    assert_same(load_exported(saved(program)), program.module(), inputs)
