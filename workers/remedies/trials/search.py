"""Which learning rate is best: which one is compared next, and which one has won. Nothing is trained here."""

import math
from collections.abc import Mapping, Sequence

from workers.remedies.messages import MOST_EXTENSIONS

SEARCH_RATIO = 10.0**0.5
"""Between neighbouring learning rates of a search."""
MOST_RATE = 1e6
"""The largest learning rate that a job may have."""


def around(own: float, count: int) -> tuple[float, ...]:
    """The learning rates to compare: the own one first, then alternately smaller and larger ones."""
    rates = [own]
    for distance in range(1, count):
        power = (distance + 1) // 2 * (-1 if distance % 2 else 1)
        rates.append(min(own * SEARCH_RATIO**power, MOST_RATE))
    return tuple(dict.fromkeys(rates))


def best(losses: Mapping[float, float]) -> float | None:
    """Of learning rates with the training loss at the end of each, the best; what diverged is out. None if
    all did."""
    finite = {rate: loss for rate, loss in losses.items() if math.isfinite(loss)}
    return min(finite, key=finite.__getitem__, default=None)


def beyond(losses: Mapping[float, float], planned: Sequence[float]) -> float | None:
    """The learning rate to compare next, beyond those that were `planned`: while the best one is at an end of
    the range, it may be that a better one is not in it. None if that is not so, or often enough done."""
    winner = best(losses)
    if winner is None or len(losses) >= len(planned) + MOST_EXTENSIONS:
        return None
    if winner == max(losses):
        further = winner * SEARCH_RATIO
    elif winner == min(losses):
        further = winner / SEARCH_RATIO
    else:
        return None
    return further if further <= MOST_RATE else None
