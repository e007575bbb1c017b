"""Digests that a client sends along, so that damage on the way is noticed (RFC 9530)."""

import re
from collections.abc import Iterator

from fastapi import Request

from service.contract.errors import FieldProblem
from service.uploads.errors import DigestMismatchError, InvalidDigestError

DIGEST_HEADERS = ("Content-Digest", "Repr-Digest")  # equal here, as no Content-Encoding is taken
_SHA256 = re.compile(r":([A-Za-z0-9+/]{43}=):")


def expected_digests(request: Request) -> dict[str, str]:
    """SHA-256 in base64 by the header that says it. Other algorithms are ignored, as §2 has it.

    Raises:
        InvalidDigestError: what stands there for SHA-256 is no SHA-256.
    """
    return dict(_expected(request))


def check_digests(expected: dict[str, str], actual: str) -> None:
    """Raises DigestMismatchError unless the body's SHA-256, in base64, is what every header says."""
    for name, digest in expected.items():
        if digest != actual:
            raise DigestMismatchError(f"{name} says sha-256=:{digest}: but the body has :{actual}:")


def _expected(request: Request) -> Iterator[tuple[str, str]]:
    for name in DIGEST_HEADERS:
        for member in ",".join(request.headers.getlist(name)).split(","):
            algorithm, _, value = member.strip().partition("=")
            if algorithm.strip().lower() == "sha-256":
                yield name, _base64(name, value.partition(";")[0].strip())


def _base64(name: str, value: str) -> str:
    found = _SHA256.fullmatch(value)
    if found is None:
        detail = "must be sha-256=:…: with the 32 bytes of the digest in base64 between the colons"
        raise InvalidDigestError.of([FieldProblem(parameter=name, detail=detail)])
    return found.group(1)
