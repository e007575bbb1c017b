"""Layers that make a sample smaller without weights."""

from typing import Literal

from service.contract.layers.base import LayerError, LayerSpec, Padding, Size, require
from service.contract.layers.convolution import window_count
from service.contract.shapes import Signal


class Pool(LayerSpec):
    """Pooling along the time of a sequence, or over height and width of an image."""

    kernel_size: Size = 2
    """Length (and height) of the window."""
    stride: Size | None = None
    """Distance between two windows; null: the window's length."""
    padding: Padding = 0
    """Entries added at each end; at most half the window."""

    def output(self, given: Signal) -> Signal:
        require(given, "sequence", "image")
        if 2 * self.padding > self.kernel_size:
            raise LayerError(f"may be at most half the window, {self.kernel_size // 2}", "padding")
        if given.kind == "sequence":
            return Signal((self._pooled(given.shape[0]), given.shape[1]))
        channels, height, width = given.shape
        return Signal((channels, self._pooled(height), self._pooled(width)))

    def _pooled(self, length: int) -> int:
        return window_count(length, self.kernel_size, self.stride or self.kernel_size, self.padding)


class MaxPool(Pool):
    """The largest value of each window."""

    op: Literal["max_pool"] = "max_pool"
    """Its operation."""


class AvgPool(Pool):
    """The mean of each window, padding included."""

    op: Literal["avg_pool"] = "avg_pool"
    """Its operation."""


class GlobalAvgPool(LayerSpec):
    """The mean over time of a sequence, giving (features,), or over an image's pixels, giving (channels,)."""

    op: Literal["global_avg_pool"] = "global_avg_pool"
    """Its operation."""

    def output(self, given: Signal) -> Signal:
        require(given, "sequence", "image")
        return Signal((given.features,))


class Flatten(LayerSpec):
    """All entries of a sample as one vector."""

    op: Literal["flatten"] = "flatten"
    """Its operation."""

    def output(self, given: Signal) -> Signal:
        require(given, "vector", "sequence", "image")
        return Signal((given.size,))
