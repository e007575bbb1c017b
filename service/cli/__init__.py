"""The command line: `gradient-clinic up | api | worker | upload | diagnose | rediagnose`."""

import argparse
import sys
from collections.abc import Sequence

from service.cli import api, diagnose, rediagnose, up, upload, worker
from service.cli.errors import CommandError
from service.version import SERVICE_VERSION

COMMANDS = (up, api, worker, upload, diagnose, rediagnose)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command and return the exit status: 0 done, 1 it failed, 2 wrong usage, 130 interrupted."""
    parser = argparse.ArgumentParser(
        prog="gradient-clinic", description="Finds out why a neural network will not train."
    )
    parser.add_argument("--version", action="version", version=f"%(prog)s {SERVICE_VERSION}")
    commands = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for command in COMMANDS:
        command.add_to(commands)
    options = parser.parse_args(arguments)
    try:
        return int(options.run(options))
    except CommandError as error:
        print(f"gradient-clinic: {error}", file=sys.stderr)  # noqa: T201 - a command line speaks here
        return 1
    except KeyboardInterrupt:
        return 130
