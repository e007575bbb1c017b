"""What flows between layers: the shape of one sample, and what its axes mean."""

import math
from dataclasses import dataclass
from typing import Literal

Shape = tuple[int, ...]
"""A tensor's shape for one sample, without the batch axis."""

SignalKind = Literal["vector", "sequence", "image", "tokens"]

AXES: dict[SignalKind, str] = {
    "vector": "(features,)",
    "sequence": "(time, features)",
    "image": "(channels, height, width)",
    "tokens": "(time,) of whole numbers",
}
"""What the axes of each kind mean, in the words of error messages."""

_KIND_OF_RANK: dict[int, SignalKind] = {1: "vector", 2: "sequence", 3: "image"}


@dataclass(frozen=True)
class Signal:
    """One sample on its way through the network."""

    shape: Shape
    """Its shape: (features,), (time, features), (channels, height, width) or, for tokens, (time,)."""
    vocabulary: int | None = None
    """For tokens: how many there are; they are the numbers 0 … vocabulary − 1."""

    @property
    def kind(self) -> SignalKind:
        return _KIND_OF_RANK[len(self.shape)] if self.vocabulary is None else "tokens"

    @property
    def size(self) -> int:
        """Number of its entries."""
        return math.prod(self.shape)

    @property
    def features(self) -> int:
        """Length of the axis that carries features: the channels of an image, else the last axis."""
        return self.shape[0] if self.kind == "image" else self.shape[-1]

    def __str__(self) -> str:
        return str(self.shape)
