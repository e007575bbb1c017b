"""Batches: which samples each step sees."""

from collections.abc import Iterator

import torch
from torch import Tensor


class Batches:
    """Endless batches of a data set, shuffled anew each epoch by a seeded generator.

    Every batch has the same size (the last, smaller one of an epoch is left out), so that norms of successive
    steps compare. A batch size above the number of samples gives them all each time.
    """

    def __init__(
        self, inputs: Tensor, targets: Tensor, batch_size: int, seed: int, device: torch.device
    ) -> None:
        self._inputs = inputs.to(device)
        self._targets = targets.to(device)
        self._device = device
        self.size = min(batch_size, len(inputs))
        self._generator = torch.Generator().manual_seed(seed)

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        samples = len(self._inputs)
        while True:
            order = torch.randperm(samples, generator=self._generator)
            if self._device.type == "cuda":  # pinned, or the copy would wait for the device
                order = order.pin_memory().to(self._device, non_blocking=True)
            for start in range(0, samples - self.size + 1, self.size):
                chosen = order[start : start + self.size]
                yield self._inputs.index_select(0, chosen), self._targets.index_select(0, chosen)

    def first_inputs(self) -> Tensor:
        """A batch of the size that will be trained on, without drawing one."""
        return self._inputs[: self.size]
