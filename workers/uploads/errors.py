"""How an uploaded file is refused."""


class UploadError(Exception):
    """A file that cannot be used. `detail` is for its sender: what is wrong, where, and what to do."""

    def __init__(self, detail: str) -> None:
        super().__init__(detail)
        self.detail = detail


class InvalidUploadError(UploadError):
    """It is not what it should be, or something that this service cannot do (an operator, a format)."""


class FailedPassError(InvalidUploadError):
    """Its own code fails for the inputs that it is given."""


class UnsafeUploadError(UploadError):
    """It does, or is made to do, what no network needs: files, native code, sizes that only do harm."""
