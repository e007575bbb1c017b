"""What every layer of a model spec shares."""

from typing import Annotated, Self

from pydantic import Field

from service.contract.base import Contract
from service.contract.shapes import AXES, Signal, SignalKind

MAX_SIZE = 1_000_000_000

Size = Annotated[int, Field(strict=True, ge=1, le=MAX_SIZE)]
"""A number of units, channels, steps: a whole number of at least 1."""
Padding = Annotated[int, Field(strict=True, ge=0, le=MAX_SIZE)]
Switch = Annotated[bool, Field(strict=True)]

_HINTS: dict[tuple[SignalKind, SignalKind], str] = {
    ("image", "vector"): 'put {"op": "flatten"} or {"op": "global_avg_pool"} before it',
    ("image", "sequence"): 'put {"op": "flatten"} before it',
    ("sequence", "vector"): 'put {"op": "flatten"} or {"op": "global_avg_pool"} before it',
}
"""How to get from the first kind to the second."""


class LayerError(ValueError):
    """A layer that cannot work on what it is given.

    `field` names the layer's field that is wrong, "" if it is the layer as a whole.
    """

    def __init__(self, detail: str, field: str = "") -> None:
        super().__init__(detail)
        self.detail = detail
        self.field = field


class LayerSpec(Contract):
    """A layer: what it makes of a sample's shape and what it costs. Subclasses hold one `op` each."""

    op: str
    """Its operation."""

    def resolved(self, targets: int) -> Self:  # noqa: ARG002 - only layers with units need it
        """The same with a number in place of `"units": "targets"`."""
        return self

    def output(self, given: Signal) -> Signal:
        """What it makes of `given`. Raises LayerError if it cannot work on it."""
        raise NotImplementedError

    def parameter_count(self, given: Signal) -> int:  # noqa: ARG002 - only layers with weights need it
        """Number of its own parameters, frozen ones included."""
        return 0

    def smallest_batch(self, given: Signal) -> int:  # noqa: ARG002 - only batch_norm needs it
        """Number of samples without which it cannot train."""
        return 1

    def kept_values(self, given: Signal) -> int:
        """About how many numbers per sample it keeps in memory for the backward pass."""
        return self.output(given).size


class ParametricLayer(LayerSpec):
    """A layer with weights of its own."""

    trainable: Switch = True
    """False freezes its parameters: they get no gradient and no update."""


def require(given: Signal, *kinds: SignalKind) -> None:
    """Raise LayerError unless `given` is of one of `kinds`."""
    if given.kind in kinds:
        return
    wanted = " or ".join(f"{kind} {AXES[kind]}" for kind in kinds)
    if given.kind == "tokens":
        hint = 'tokens are numbers without size or order: put {"op": "embedding", "units": 64} before it'
    else:
        hint = next((_HINTS[given.kind, kind] for kind in kinds if (given.kind, kind) in _HINTS), "")
    raise LayerError(
        f"needs a {wanted} but is given the {given.kind} {given}" + (f"; {hint}" if hint else "")
    )
