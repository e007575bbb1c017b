"""`gradient-clinic upload FILE`: bring a checkpoint or a data set, print its id."""

import argparse
import hashlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from service.cli.arguments import Commands, add_url
from service.cli.client import Client
from service.cli.errors import CommandError

BLOCK_BYTES = 2**18


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("upload", help="upload a checkpoint or a data set, print its id")
    parser.add_argument("file", metavar="FILE", type=Path, help="a network (.pt, .pt2), or data (--dataset)")
    parser.add_argument(
        "--dataset", action="store_true", help="FILE is a data set (.npz, .safetensors), not a network"
    )
    add_url(parser)
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Print the id that a job names the file by."""
    console = Console(stderr=True)
    with opened(options.file) as file, Client(options.url) as client:
        size = os.fstat(file.fileno()).st_size
        content = Content(file, size, console)
        upload, known = client.upload("datasets" if options.dataset else "checkpoints", content, size)
    if upload["id"] != f"sha256:{content.sha256}":
        raise CommandError(f"{options.file} was changed on its way: the service got {upload['id']}")
    if known:
        console.print(f"{options.file} was known already", highlight=False, soft_wrap=True)
    sys.stdout.write(upload["id"] + "\n")
    return 0


def opened(path: Path) -> BinaryIO:
    """Raises CommandError if there is no such file, or nothing in it."""
    try:
        file = path.open("rb")
    except OSError as error:
        raise CommandError(f"cannot read {path}: {error.strerror}") from error
    if os.fstat(file.fileno()).st_size == 0:
        file.close()
        raise CommandError(f"{path} is empty, or not a plain file")
    return file


class Content:
    """The file block by block, hashed on the way; shows how far it is."""

    def __init__(self, file: BinaryIO, size: int, console: Console) -> None:
        self._file = file
        self._size = size
        self._console = console
        self._sha256 = hashlib.sha256()

    @property
    def sha256(self) -> str:
        """In hexadecimal, of what was read so far."""
        return self._sha256.hexdigest()

    def __iter__(self) -> Iterator[bytes]:
        columns = TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn()
        with Progress(*columns, console=self._console, transient=True) as progress:
            bar = progress.add_task(Path(self._file.name).name, total=self._size)
            left = self._size
            while left:
                block = self._file.read(min(left, BLOCK_BYTES))
                if not block:
                    raise CommandError(f"{self._file.name} became shorter while it was read")
                self._sha256.update(block)
                yield block
                left -= len(block)
                progress.update(bar, completed=self._size - left)
