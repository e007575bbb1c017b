"""torchvision's architectures, rebuilt."""

import warnings

import pytest
import torch
from torch import Tensor, nn

from tests.support.torchscript import archive_of, assert_exact, scripted, traced
from tests.support.vision import classifier, models

CLASSIFIERS = """
    alexnet convnext_tiny densenet121 efficientnet_b0 efficientnet_v2_s googlenet inception_v3
    maxvit_t mnasnet0_5 mobilenet_v2 mobilenet_v3_small regnet_x_400mf regnet_y_400mf resnet18
    resnet50 resnext50_32x4d shufflenet_v2_x0_5 squeezenet1_1 swin_t swin_v2_t vgg11 vgg11_bn
    vit_b_32 wide_resnet50_2
""".split()  # noqa: SIM905
SEGMENTERS = [
    "deeplabv3_mobilenet_v3_large",
    "deeplabv3_resnet50",
    "fcn_resnet50",
    "lraspp_mobilenet_v3_large",
]


def assert_both_forms_exact(network: nn.Module, inputs: Tensor) -> None:
    assert_exact(archive_of(scripted(network)), inputs, steps=1)
    assert_exact(archive_of(traced(network, inputs)), inputs, steps=1)


@pytest.mark.parametrize("name", ["resnet18", "mobilenet_v3_small", "shufflenet_v2_x0_5"])
def test_a_small_architecture_trains_exactly_as_in_torchscript(name: str) -> None:
    network, inputs = classifier(name)
    assert_exact(archive_of(scripted(network)), inputs, steps=1)


def test_a_tiny_vision_transformer_trains_exactly_as_in_torchscript() -> None:
    torch.manual_seed(0)
    network = models().VisionTransformer(
        image_size=16, patch_size=8, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5
    )
    assert_both_forms_exact(network, torch.randn(2, 3, 16, 16))


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("training", [True, False], ids=["training", "evaluation"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_an_architecture_trains_exactly_as_in_torchscript(name: str, training: bool) -> None:
    network, inputs = classifier(name)
    assert_both_forms_exact(network.train(training), inputs)


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("name", SEGMENTERS)
def test_a_segmentation_architecture_trains_exactly_as_in_torchscript(name: str) -> None:
    torch.manual_seed(0)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        network = models().get_model(name, weights=None, weights_backbone=None, num_classes=4)
    assert_both_forms_exact(network.eval(), torch.randn(1, 3, 64, 64))
