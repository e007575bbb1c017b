"""What can stand against a request about uploads."""

import errno

from service.problems import (
    BadRequestError,
    ConflictError,
    InvalidRequestProblem,
    NotFoundError,
)

_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


class UploadNotFoundError(NotFoundError):
    """No such file is kept; perhaps it was, and its time was over (`expires_at`). Upload it again."""

    title = "No such upload"
    kind = "upload-not-found"


class UploadInUseError(ConflictError):
    """A job that is not final uses the file, so it cannot be deleted."""

    title = "The upload is in use"
    kind = "upload-in-use"


class EmptyUploadError(BadRequestError):
    """The body holds no bytes: there is no file."""

    title = "The file is empty"
    kind = "empty-upload"


class DigestMismatchError(BadRequestError):
    """The body is not what `Content-Digest` or `Repr-Digest` says (RFC 9530): it was changed on its way.
    Nothing of it was kept."""

    title = "The digest does not match"
    kind = "digest-mismatch"


class InvalidDigestError(InvalidRequestProblem):
    """`Content-Digest` or `Repr-Digest` holds a SHA-256 that is none."""

    body_unread = True


def has_no_room(error: OSError) -> bool:
    """Whether a file could not be written because the disk is full, or as full as it may become."""
    return error.errno in _NO_ROOM
