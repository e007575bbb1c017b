"""What the change of a gradient is put down to."""

from workers.probes.ledger.causes import DROPOUT, OTHER, POOLING
from workers.probes.trace import LayerInfo

CAUSES = {
    "activation": "activation",
    "linear": "weights",
    "conv1d": "weights",
    "conv2d": "weights",
    "embedding": "weights",
    "recurrent": "weights",
    "attention": "weights",
    "batch_norm": "normalisation",
    "layer_norm": "normalisation",
    "group_norm": "normalisation",
    "residual": "skip",
}
"""What a layer of each operation is put down to without a ledger. Everything else (pooling, flatten,
dropout): `other`."""

CAUSE_NAMES = ("activation", "weights", "normalisation", "skip", "other")

NO_LOSS = frozenset({POOLING, DROPOUT, OTHER})
"""Causes that share a gradient out among more or fewer entries, and so change its norm without losing any."""

MOST_DECADES = 1e5
"""Decades beyond which a ledger's entry is no measurement: no number format has a fraction of it, and paths
would have to cancel each other beyond rounding."""


def cause_of(layer: LayerInfo) -> str:
    """What the layer's backward gain is put down to."""
    return CAUSES.get(layer.op, "other")
