"""torchvision's architectures.

Tests need the Python sources of its models alone. Its compiled operators (boxes for detection) are built for
another variant of PyTorch than the CPU's; where they cannot be loaded, their names are declared so that it
can be imported.
"""

import importlib
import warnings
from typing import Any

import torch
from torch import Tensor, nn

DETECTION_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width,"
    " int sampling_ratio, bool aligned) -> Tensor",
)
SIZES = {"inception_v3": 299, "maxvit_t": 224, "vit_b_32": 224}
"""Pixels a side, for those that need more than the smallest."""
_declared: list[torch.library.Library] = []


def models() -> Any:
    """`torchvision.models`."""
    _declare_operators()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return importlib.import_module("torchvision.models")


def classifier(name: str) -> tuple[nn.Module, Tensor]:
    """One of the architectures that classify images, and two images."""
    torch.manual_seed(0)
    options = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    options |= {"aux_logits": False} if options else {}
    size = SIZES.get(name, 64)
    network = models().get_model(name, weights=None, num_classes=10, **options)
    return network, torch.randn(2, 3, size, size)


def _declare_operators() -> None:
    """Declare what torchvision expects of its compiled part."""
    if _declared or hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "DEF")
    for schema in DETECTION_OPERATORS:
        library.define(schema)
    _declared.append(library)
