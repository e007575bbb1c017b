"""Which device a job is trained on."""

import torch

from service.contract.errors import ErrorCode
from service.contract.training_plan import Device
from workers.isolation.child import JobFailedError


def resolve_device(wanted: Device) -> torch.device:
    """The device to train on; `auto` takes a GPU if there is one. Raises JobFailedError if there must be."""
    if wanted == "cpu":
        return torch.device("cpu")
    if torch.cuda.is_available():
        return torch.device("cuda")
    if wanted == "auto":
        return torch.device("cpu")
    detail = "The job asks for a GPU (device: cuda) and the worker that took it has none. Use auto or cpu."
    raise JobFailedError(ErrorCode.DEVICE_UNAVAILABLE, detail)
