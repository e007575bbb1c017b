"""Convolutions over time and over images."""

from typing import Literal

from pydantic import Field

from service.contract.layers.base import LayerError, Padding, Size, require
from service.contract.layers.dense import WeightedLayer
from service.contract.shapes import Signal


def window_count(length: int, kernel_size: int, stride: int, padding: int, dilation: int = 1) -> int:
    """How often a window fits along an axis of `length` entries. Raises LayerError if it never does."""
    span = dilation * (kernel_size - 1) + 1
    if span > length + 2 * padding:
        raise LayerError(
            f"a kernel that spans {span} does not fit into {length} entries with padding {padding}",
            "kernel_size",
        )
    return (length + 2 * padding - span) // stride + 1


class Convolution(WeightedLayer):
    """A convolution with zero padding."""

    channels: Size = Field(examples=[16])
    """Number of its output channels."""
    kernel_size: Size = 3
    """Length (and height) of the kernel."""
    stride: Size = 1
    """Distance between two positions of the kernel."""
    padding: Padding | Literal["same"] = "same"
    """Zeros added at each end of each axis; `same` keeps the length (at stride 1; needs an odd kernel)."""
    dilation: Size = 1
    """Distance between two entries of the kernel."""
    groups: Size = 1
    """Number of groups that do not see each other; must divide the input and output channels."""

    def padding_entries(self) -> int:
        """Zeros added at each end. Raises LayerError where `same` has no answer."""
        if self.padding != "same":
            return self.padding
        surplus = self.dilation * (self.kernel_size - 1)
        if surplus % 2:
            raise LayerError(f'padding "same" needs an odd kernel, not {self.kernel_size}', "kernel_size")
        return surplus // 2

    def parameter_count(self, given: Signal) -> int:
        kernel: int = self.kernel_size ** (len(given.shape) - 1)
        return (given.features // self.groups * kernel + self.bias) * self.channels

    def _check_groups(self, given: Signal) -> None:
        if given.features % self.groups or self.channels % self.groups:
            raise LayerError(
                f"{self.groups} groups must divide the {given.features} input "
                f"and {self.channels} output channels",
                "groups",
            )

    def _convolved(self, length: int) -> int:
        return window_count(length, self.kernel_size, self.stride, self.padding_entries(), self.dilation)


class Conv1d(Convolution):
    """A convolution along the time of a sequence (time, features), whose features are its channels."""

    op: Literal["conv1d"] = "conv1d"
    """Its operation."""

    def output(self, given: Signal) -> Signal:
        require(given, "sequence")
        self._check_groups(given)
        return Signal((self._convolved(given.shape[0]), self.channels))


class Conv2d(Convolution):
    """A convolution of an image (channels, height, width) with a square kernel."""

    op: Literal["conv2d"] = "conv2d"
    """Its operation."""

    def output(self, given: Signal) -> Signal:
        require(given, "image")
        self._check_groups(given)
        _, height, width = given.shape
        return Signal((self.channels, self._convolved(height), self._convolved(width)))
