"""Argument types that several commands share."""

import argparse
import os
from typing import TypeAlias

DEFAULT_URL = "http://127.0.0.1:8000"

Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"


def port(text: str) -> int:
    """A TCP port, 1 to 65535."""
    number = int(text)
    if not 1 <= number <= 65_535:
        raise argparse.ArgumentTypeError(f"{text} is not a port: 1 to 65535")
    return number


def positive(text: str) -> int:
    """A whole number, 1 or more."""
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{text} is less than 1")
    return number


def add_url(parser: argparse.ArgumentParser) -> None:
    """Let the user say where the service is."""
    parser.add_argument(
        "--url",
        default=os.environ.get("GRADIENT_CLINIC_URL", DEFAULT_URL),
        help="address of the service (default: GRADIENT_CLINIC_URL or %(default)s)",
    )
