"""The version of this installation."""

from importlib.metadata import PackageNotFoundError, version
from typing import Final


def _installed_version() -> str:
    try:
        return version("gradient-clinic")
    except PackageNotFoundError:
        return "unknown"


SERVICE_VERSION: Final = _installed_version()
"""Version of the installed package; `unknown` when the code runs without being installed.

Read once, at import: a confined job may not open the package's metadata, which can lie beside our packages.
"""
