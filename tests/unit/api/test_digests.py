"""Digests that clients send along (RFC 9530)."""

import base64
import hashlib

import pytest
from fastapi import Request

from service.uploads.digests import check_digests, expected_digests
from service.uploads.errors import DigestMismatchError, InvalidDigestError

DIGEST = base64.b64encode(hashlib.sha256(b"hello").digest()).decode()


def request(**headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    return Request({"type": "http", "headers": raw})


@pytest.mark.parametrize(
    "value",
    [
        f"sha-256=:{DIGEST}:",
        f"  SHA-256=:{DIGEST}: ",
        f"sha-512=:AAAA:, sha-256=:{DIGEST}:",
        f"sha-256=:{DIGEST}:;q=1, md5=:AA==:",
    ],
)
def test_a_sha_256_is_found_wherever_it_stands(value: str) -> None:
    assert expected_digests(request(content_digest=value)) == {"Content-Digest": DIGEST}
    assert expected_digests(request(repr_digest=value)) == {"Repr-Digest": DIGEST}


@pytest.mark.parametrize("value", ["", "sha-512=:AAAA:", "md5=:AA==:", ","])
def test_what_is_no_sha_256_is_ignored(value: str) -> None:
    assert expected_digests(request(content_digest=value)) == {}


@pytest.mark.parametrize(
    "value", [DIGEST, f":{DIGEST}", ":AAAA:", f":{DIGEST[:-1]}:", f":{'é' * 44}:", f":{DIGEST}{DIGEST}:", ""]
)
def test_a_sha_256_that_is_none_is_refused_by_name(value: str) -> None:
    with pytest.raises(InvalidDigestError) as refused:
        expected_digests(request(repr_digest=f"sha-256={value}"))
    assert [error.parameter for error in refused.value.errors] == ["Repr-Digest"]


def test_every_digest_that_was_sent_must_match() -> None:
    other = base64.b64encode(bytes(32)).decode()
    check_digests({}, DIGEST)
    check_digests({"Content-Digest": DIGEST, "Repr-Digest": DIGEST}, DIGEST)
    with pytest.raises(DigestMismatchError, match="Repr-Digest"):
        check_digests({"Content-Digest": DIGEST, "Repr-Digest": other}, DIGEST)
