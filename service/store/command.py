"""A Lua script as a value: what to run, with what, and how to read the answer. No I/O happens here."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Generic, TypeVar

T_co = TypeVar("T_co", covariant=True)
Argument = str | int
SHARED = ("prelude", "trials")
"""Names, keys and steps of several scripts: of everything, and of trials."""


@dataclass(frozen=True)
class Script:
    """A Lua script and the SHA-1 by which Redis knows it (EVALSHA's protocol, not a matter of security)."""

    name: str
    source: str = field(repr=False)
    sha: str


@cache
def load_script(name: str) -> Script:
    """`scripts/{name}.lua` with what scripts share in front of it."""
    folder = resources.files("service.store") / "scripts"
    source = "\n".join((folder / f"{part}.lua").read_text("utf-8") for part in (*SHARED, name))
    return Script(name, source, hashlib.sha1(source.encode(), usedforsecurity=False).hexdigest())


@dataclass(frozen=True)
class Command(Generic[T_co]):
    """One atomic step of the store; executed by `JobStore` or `BlockingJobStore`.

    No key is declared: scripts find jobs in indexes, so they cannot know all keys in advance. That rules out
    Redis Cluster, which a job store of this size does not need.
    """

    script: Script
    args: tuple[Argument, ...]
    decode: Callable[[Any], T_co]
    """From Redis's reply (strings, integers, None, lists of them) to the answer."""


def milliseconds(seconds: float) -> int:
    """A duration as scripts take it; at least one, as Redis refuses to keep anything for none."""
    return max(1, round(seconds * 1000))
