"""The ledger as a Trace keeps it. NumPy only."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]


@dataclass(frozen=True)
class ZeroGradient:
    """An operation that a gradient reaches and that passes on exactly nothing. Whatever lies below it alone
    gets no gradient either, and is not listed."""

    step: int
    layer: str | None
    """The layer that it is part of; None for the loss, or for what lies between layers."""
    operation: str
    """Autograd's name for it."""
    cause: str
    """What it counts as in the ledger."""
    parameter: str | None
    """The parameter that gets nothing; None where it is the layers below."""


@dataclass(frozen=True)
class LedgerTrace:
    """The change of the gradient's size from the loss to each layer, split exactly by cause.

    All sizes are decades, log10 of Euclidean norms over the batch, for a gradient of 1 at the loss. NaN where
    there is no gradient or it is not finite.
    """

    steps: IntArray
    """(k,) training steps at which it was measured, increasing."""
    causes: tuple[str, ...]
    """Names of the causes: see `workers.probes.ledger.causes`."""
    log_norms: FloatArray
    """(k, layers) of ∂loss/∂output; -inf where that is exactly zero."""
    outputs: FloatArray
    """(k, layers, causes) what each cause has added between the loss and the layer's output. Their sum is
    `log_norms`."""
    inputs: FloatArray
    """(k, layers, causes) the same at the layer's input, of what passes back through this layer alone. Less
    `outputs`, it is what the layer itself does to the gradient, cause by cause."""
    shares: FloatArray
    """(k, layers, 2) smallest and largest share that a path has where paths meet in the layer: the shares at
    one place sum to 1, and outside [0, 1] paths cancel each other. NaN where none meet."""
    parameter_names: tuple[str, ...]
    """The trained parameters."""
    parameters: FloatArray
    """(k, parameters, causes) as `outputs`, for the gradient of each parameter."""
    zeros: tuple[ZeroGradient, ...]
    """Operations that pass on nothing, in the order of the backward pass: the first one is the culprit. Those
    that only starve a parameter of their own (by an input of zeros) come last."""
    unseen: FloatArray
    """(k,) largest relative difference between a gradient and the sum of its paths: rounding only."""

    def arrays(self) -> dict[str, NDArray[Any]]:
        """Its arrays by name; with `header` and `of` it is stored and read."""
        return {name: value for name, value in vars(self).items() if isinstance(value, np.ndarray)}

    def header(self) -> dict[str, Any]:
        """Everything else, as JSON has it."""
        return {
            "causes": list(self.causes),
            "parameter_names": list(self.parameter_names),
            "zeros": [asdict(zero) for zero in self.zeros],
        }

    @classmethod
    def of(cls, arrays: Mapping[str, NDArray[Any]], header: Mapping[str, Any]) -> "LedgerTrace":
        """What `arrays` and `header` gave."""
        return cls(
            causes=tuple(header["causes"]),
            parameter_names=tuple(header["parameter_names"]),
            zeros=tuple(ZeroGradient(**zero) for zero in header["zeros"]),
            **arrays,
        )
