"""What modules of uploaded networks are called."""

import pytest
from torch import nn

from workers.uploads.kinds import Kind, kind_of


class PatchEmbed(nn.Module): ...


class Rebuilt(nn.Module):
    def __init__(self, **attributes: str) -> None:
        super().__init__()
        for name, value in attributes.items():
            setattr(self, name, value)


@pytest.mark.parametrize(
    ("module", "kind"),
    [
        (nn.Linear(1, 1), Kind("linear")),
        (nn.GELU(), Kind("activation", "gelu")),
        (PatchEmbed(), Kind("patch_embed")),
        (Rebuilt(original_name="LSTM"), Kind("recurrent", "lstm")),
        (Rebuilt(original_name="MLPMixer2d"), Kind("mlp_mixer2d")),
        (Rebuilt(operator="aten::relu_"), Kind("activation", "relu")),
        (Rebuilt(operator="aten::_convolution"), Kind("conv2d")),
        (Rebuilt(operator="aten::hardswish.out"), Kind("activation", "hardswish")),
        (Rebuilt(operator="aten::frobnicate"), Kind("frobnicate")),
    ],
)
def test_a_module_is_known_by_its_operator_or_its_authors_name(module: nn.Module, kind: Kind) -> None:
    assert kind_of(module) == kind
