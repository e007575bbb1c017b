"""Identifiers of jobs (which sort by time) and of uploads, and the cursors of their lists."""

import base64
import binascii
import re
import secrets
import threading
import time

from service.store.errors import InvalidCursorError

_CROCKFORD = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
_RANDOM_BITS = 80
_PATTERN = re.compile(r"job_[0-7][0-9A-HJKMNP-TV-Z]{25}")
_UPLOAD = re.compile(r"sha256:[0-9a-f]{64}")
_UPLOAD_ENTRY = re.compile(r"[0-9]{15}:sha256:[0-9a-f]{64}")


class _Ulids:
    """128-bit numbers: 48 bits of milliseconds, 80 of randomness, strictly increasing within this process."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._last = 0

    def next(self) -> int:
        fresh = (time.time_ns() // 1_000_000) << _RANDOM_BITS | secrets.randbits(_RANDOM_BITS)
        with self._lock:
            self._last = max(fresh, self._last + 1)
            return self._last


_ulids = _Ulids()


def new_job_id() -> str:
    """`job_` and 26 characters (a ULID): identifiers of later jobs sort after those of earlier ones."""
    number = _ulids.next()
    return "job_" + "".join(_CROCKFORD[number >> shift & 31] for shift in range(125, -1, -5))


def is_job_id(text: str) -> bool:
    """Whether `text` has the form of a job identifier (in ASCII, so it is safe in a file name or a key)."""
    return _PATTERN.fullmatch(text) is not None


def is_upload_id(text: str) -> bool:
    """Whether `text` has the form of an upload's identifier (in ASCII, so it is safe in a key)."""
    return _UPLOAD.fullmatch(text) is not None


def cursor_after(job_id: str) -> str:
    """An opaque cursor: the page that follows this job."""
    return _cursor(job_id)


def job_id_of_cursor(cursor: str) -> str:
    """The inverse of `cursor_after`.

    Raises:
        InvalidCursorError: for anything that `cursor_after` did not make.
    """
    return _content(cursor, _PATTERN)


def cursor_after_upload(entry: str) -> str:
    """An opaque cursor: the page that follows this upload. `entry` is its place in the list of its kind."""
    return _cursor(entry)


def upload_entry_of_cursor(cursor: str) -> str:
    """The inverse of `cursor_after_upload`.

    Raises:
        InvalidCursorError: for anything that `cursor_after_upload` did not make.
    """
    return _content(cursor, _UPLOAD_ENTRY)


def _cursor(content: str) -> str:
    return base64.urlsafe_b64encode(content.encode()).decode().rstrip("=")


def _content(cursor: str, form: re.Pattern[str]) -> str:
    try:
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        content = base64.b64decode(padded, altchars=b"-_", validate=True).decode("ascii")
    except (UnicodeError, binascii.Error):
        raise InvalidCursorError("not a cursor of this service") from None
    if not form.fullmatch(content):
        raise InvalidCursorError("not a cursor of this service")
    return content
