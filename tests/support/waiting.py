"""Waiting for something that happens elsewhere: by looking, never by guessing how long it takes."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(look: Callable[[], T], *, timeout: float = 20.0, every: float = 0.02, what: str = "") -> T:
    """Call `look` until it gives something true, and give that.

    Raises:
        AssertionError: it did not within `timeout` seconds; `what` says what was waited for.
    """
    deadline = time.monotonic() + timeout
    while True:
        seen = look()
        if seen:
            return seen
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout:.0f} s for {what or look}; last seen: {seen!r}")
        time.sleep(every)
