"""What can go wrong in the store, apart from refused transitions, which are answers and not errors."""


class StoreError(Exception):
    """Root of this package's errors."""


class StoreUnavailableError(StoreError):
    """Redis cannot be reached, is still loading, or has no memory or disk left. Trying again later may help.

    The command may or may not have taken effect; executing the very same `Command` again is safe.
    """


class InvalidCursorError(StoreError, ValueError):
    """A list cursor that this service did not hand out."""


class InvalidArtifactNameError(StoreError, ValueError):
    """A file name that could lead out of the store, or that is not a plain name."""


class EmbeddedRedisError(StoreError):
    """The embedded Redis server could not be started."""


class DataDirectoryInUseError(EmbeddedRedisError):
    """Another embedded Redis server works on the same files."""
