"""What the quantities are computed from: norms and samples on the host."""

from dataclasses import dataclass

import numpy as np

from workers.probes.samples import SampleBlock
from workers.probes.trace import FloatArray, IntArray


@dataclass(frozen=True)
class Measured:
    """One kind of tensor (outputs, their gradients, weights, …) of n tensors at k steps."""

    norms: FloatArray
    """(k, n) Euclidean norms; NaN where there is no tensor. Exact, but for those of weights: see
    `weight_norm`."""
    samples: SampleBlock
    """A sample of each."""
    entries: IntArray
    """(n,) number of entries of each; 0 where there is no tensor."""
    divisor: FloatArray
    """(k,) what the tensors were multiplied by when recorded (the loss scale), 1 otherwise. `norms` are
    already divided."""

    def rms(self) -> FloatArray:
        """(k, n) root mean square of the entries."""
        root: FloatArray = self.norms / np.sqrt(np.maximum(self.entries, 1))
        return root

    def first(self, tensors: int) -> "Measured":
        """The same for the first `tensors` tensors only."""
        block = SampleBlock(self.samples.values, self.samples.offsets[: tensors + 1])
        return Measured(self.norms[:, :tensors], block, self.entries[:tensors], self.divisor)
