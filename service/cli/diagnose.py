"""`gradient-clinic diagnose FILE`: submit a job request, follow it, print the diagnosis."""

import argparse
import sys
from pathlib import Path
from typing import Any

from rich.console import Console

from service.cli.arguments import Commands, add_url
from service.cli.client import Client
from service.cli.errors import CommandError
from service.cli.follow import follow
from service.cli.render import render_job
from service.cli.render_trials import next_request


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("diagnose", help="submit a job request, follow it, print the diagnosis")
    parser.add_argument("file", metavar="FILE", help="a job request as JSON; - reads standard input")
    add_url(parser)
    parser.add_argument("--json", action="store_true", help="print the diagnosis as JSON")
    parser.add_argument(
        "--prescription", metavar="FILE", help="write the prescribed way of training there, as a job request"
    )
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the diagnosis. Returns 0 if there is one, 1 if the job failed or was cancelled."""
    request = read_request(options.file)
    console = Console(stderr=options.json)
    with Client(options.url) as client:
        job = follow(client, client.submit(request), console)
        if not options.json:
            render_job(job, console)
        elif job["diagnosis"]:
            sys.stdout.buffer.write(client.diagnosis(job["id"]) + b"\n")
        else:
            render_job(job, console)
    if options.prescription:
        write_prescription(options.prescription, job)
    return 0 if job["status"] == "succeeded" else 1


def write_prescription(name: str, job: dict[str, Any]) -> None:
    """Raises CommandError if there is none, or the file cannot be written."""
    request = next_request(job["diagnosis"]) if job["diagnosis"] else None
    if request is None:
        raise CommandError("there is no prescription to write")
    try:
        Path(name).write_text(request + "\n", "utf-8")
    except OSError as error:
        raise CommandError(f"cannot write {name}: {error.strerror}") from error


def read_request(name: str) -> bytes:
    """The bytes of the request. Raises CommandError if the file cannot be read."""
    if name == "-":
        return sys.stdin.buffer.read()
    try:
        return Path(name).read_bytes()
    except OSError as error:
        raise CommandError(f"cannot read {name}: {error.strerror}") from error
