"""torchvision's architectures, where it is installed.

Tests need the Python sources of its models alone. Its compiled operators (boxes for detection) are often
built for another PyTorch; where they cannot be loaded, their names are declared so that it can be imported.
"""

import torch

DETECTION_OPERATORS = (
    "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
    "roi_align(Tensor input, Tensor rois, float spatial_scale, int pooled_height, int pooled_width,"
    " int sampling_ratio, bool aligned) -> Tensor",
)
_declared: list[torch.library.Library] = []


def declare_operators() -> None:
    """Declare what torchvision expects of its compiled part."""
    if _declared or hasattr(torch.ops.torchvision, "nms"):
        return
    library = torch.library.Library("torchvision", "DEF")
    for schema in DETECTION_OPERATORS:
        library.define(schema)
    _declared.append(library)
