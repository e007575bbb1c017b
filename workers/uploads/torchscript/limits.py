"""What an uploaded program may use up, and how it is refused where it wants more.

The limits are far above what networks need and far below what harms: a job's process has its own limits of
memory and time besides, but those can only say that something was too much, not what or where.
"""

from typing import Any

from workers.uploads.errors import InvalidUploadError, UnsafeUploadError, UploadError

MAX_STATEMENTS = 2_000_000
"""Statements of the archive's code in one forward pass, loops and calls counted as often as they run."""
MAX_NODES = 50_000
"""Nodes of all graphs together, with functions counted at each place that they are written into."""
MAX_NESTING = 40
"""Depth of nested blocks (loops, conditions) and of functions written into one another."""
MAX_MODULES = 20_000
"""Modules in the tree."""
MAX_LENGTH = 1_000_000
"""Entries of a list or dictionary, characters of a text."""
MAX_ELEMENTS = 2**28
"""Elements of a tensor that is created or made larger: 1 GiB in float32."""
MAX_INTEGER = 2**53
"""Magnitude of an integer. The only larger one is INT64_MAX, where code says "to the end". Without the
extremes, no sum of indices or sizes inside an operator overflows."""
INT64_MAX = 2**63 - 1


class RefusalError(Exception):
    """Something in the archive cannot be run; raised where only the reason is known, and made into an
    UploadError where the place is known too."""

    def __init__(self, reason: str, error: type[UploadError]) -> None:
        super().__init__(reason)
        self.reason = reason
        self.error = error


def unsafe(reason: str) -> RefusalError:
    """It does what only does harm."""
    return RefusalError(reason, UnsafeUploadError)


def invalid(reason: str) -> RefusalError:
    """It cannot be run here."""
    return RefusalError(reason, InvalidUploadError)


def check_integer(value: int) -> int:
    """The integer, if it is not so large that arithmetic on it could overflow."""
    if -MAX_INTEGER <= value <= MAX_INTEGER:
        return value
    raise unsafe("An integer is larger than 2^53.")


def check_length(length: int) -> None:
    """Refuse lists, dictionaries and texts that only fill memory."""
    if length > MAX_LENGTH:
        raise unsafe(f"A list or text is longer than {MAX_LENGTH:,} entries.")


def check_constant(value: Any) -> Any:
    """A value written in the archive (constant, default or attribute), if what it holds is within limits."""
    if isinstance(value, int) and value != INT64_MAX:
        check_integer(value)
    elif isinstance(value, str):
        check_length(len(value))
    elif isinstance(value, list | tuple):
        check_length(len(value))
        for entry in value:
            check_constant(entry)
    elif isinstance(value, dict):
        check_length(len(value))
        for key, entry in value.items():
            check_constant(key)
            check_constant(entry)
    return value
