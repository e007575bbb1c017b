"""Number formats: autocast of the forward and backward pass, and loss scaling."""

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor

from service.contract.training_plan import TrainingPlan

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


class Precision:
    """The number format of a run. The weights stay float32.

    Denormal numbers are left as they are: flushing them to zero would be faster (up to 2.7 times for deep
    networks with tiny gradients) but would change just the gradients that are in question.
    """

    def __init__(self, plan: TrainingPlan, device: torch.device) -> None:
        self.name = plan.precision
        self._dtype = DTYPES[plan.precision]
        self._device = device
        scaling = plan.precision == "float16" and plan.loss_scaling
        self.scaler = torch.amp.GradScaler(device.type) if scaling else None
        self._one = torch.ones((), device=device)

    def autocast(self) -> AbstractContextManager[object]:
        if self._dtype == torch.float32:
            return nullcontext()
        return torch.autocast(self._device.type, dtype=self._dtype)

    def scale(self) -> Tensor | None:
        """The present loss scale, as a scalar on the device; None without scaling."""
        if self.scaler is None:
            return None
        scale: Tensor = self.scaler.scale(self._one)
        return scale.clone()
