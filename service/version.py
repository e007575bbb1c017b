"""The version of this installation."""

from importlib.metadata import PackageNotFoundError, version


def service_version() -> str:
    """Version of the installed package; `unknown` when the code runs without being installed."""
    try:
        return version("gradient-clinic")
    except PackageNotFoundError:
        return "unknown"
