"""`gradient-clinic worker`: train and probe networks."""

import argparse
import importlib.util
import os
import sys

from service.cli.arguments import Commands
from service.cli.errors import CommandError


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("worker", help="run queued jobs (Redis at REDIS_URL)")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:  # noqa: ARG001 - every command takes its options
    """Become the worker process. The front never imports the workers' code, so it is executed instead."""
    if importlib.util.find_spec("torch") is None:
        raise CommandError("a worker needs PyTorch: pip install 'gradient-clinic[worker]'")
    os.execv(sys.executable, [sys.executable, "-m", "workers.app"])
