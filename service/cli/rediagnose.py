"""`gradient-clinic rediagnose TRACE`: diagnose an earlier job's measurements again, without training."""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

from rich.console import Console

from service.cli.arguments import Commands, add_url
from service.cli.client import Client
from service.cli.errors import CommandError
from service.cli.render import render_diagnosis

JOB_PREFIX = "job_"


def add_to(commands: Commands) -> None:
    parser = commands.add_parser(
        "rediagnose", help="diagnose the measurements of an earlier job with today's rules, without training"
    )
    parser.add_argument("trace", metavar="TRACE", help="a trace (.npz), or a job's id to fetch its trace")
    add_url(parser)
    parser.add_argument("--json", action="store_true", help="print the diagnosis as JSON")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the new diagnosis."""
    if Path(options.trace).exists() or not options.trace.startswith(JOB_PREFIX):
        diagnosis = diagnosed(Path(options.trace))
    else:
        with Client(options.url) as client, tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "trace.npz"
            path.write_bytes(client.trace(options.trace))
            diagnosis = diagnosed(path)
    if options.json:
        sys.stdout.write(diagnosis)
    else:
        render_diagnosis(json.loads(diagnosis), Console())
    return 0


def diagnosed(path: Path) -> str:
    """The diagnosis as JSON, made by the workers' code in a process of its own: the front imports none of it.

    Raises CommandError if the file is not a trace.
    """
    command = [sys.executable, "-m", "workers.diagnosis", str(path)]
    made = subprocess.run(command, capture_output=True, text=True, check=False)
    if made.returncode != 0:
        raise CommandError(made.stderr.strip())
    return made.stdout
