"""The processes that `up` starts, watches and ends."""

import os
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from service.cli.errors import CommandError
from service.store import die_with_parent

GRACE_SECONDS = 20.0
RESTART_SECONDS = 2.0
LOG_TAIL_LINES = 15


@dataclass
class Member:
    """One process of the fleet."""

    name: str
    arguments: Sequence[str]
    restart: bool
    process: "subprocess.Popen[bytes]"
    started: float = field(default_factory=time.monotonic)


class Fleet:
    """Child processes that end with this one, whichever way it ends. Their output goes to log files."""

    def __init__(self, environment: Mapping[str, str], log_dir: Path) -> None:
        self._environment = dict(environment)
        self._log_dir = log_dir
        self._members: list[Member] = []
        try:
            log_dir.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise CommandError(f"{log_dir} cannot be used: {error.strerror or error}") from error

    def __enter__(self) -> "Fleet":
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def start(self, name: str, *command: str, restart: bool = False) -> None:
        """Start `gradient-clinic COMMAND …` as a child; `restart` starts it again if it ends."""
        arguments = [sys.executable, "-m", "service.cli", *command]
        self._members.append(Member(name, arguments, restart, self._spawn(name, arguments)))

    def keep(self, name: str) -> None:
        """Start the member called `name` again whenever it ends."""
        for member in self._members:
            member.restart = member.restart or member.name == name

    def check(self) -> None:
        """Start members again that may be restarted. Raises CommandError if another one has ended."""
        for member in self._members:
            status = member.process.poll()
            if status is None:
                continue
            if not member.restart:
                raise CommandError(f"{member.name} ended with status {status}\n{self._tail(member.name)}")
            if time.monotonic() - member.started >= RESTART_SECONDS:
                member.process = self._spawn(member.name, member.arguments)
                member.started = time.monotonic()

    def stop(self) -> None:
        """Ask every member to end, the last started first; kill what is left after the grace time."""
        for member in reversed(self._members):
            if member.process.poll() is None:
                member.process.terminate()
        deadline = time.monotonic() + GRACE_SECONDS
        for member in self._members:
            try:
                member.process.wait(max(0.0, deadline - time.monotonic()))
            except subprocess.TimeoutExpired:
                member.process.kill()
                member.process.wait()
        self._members.clear()

    def _spawn(self, name: str, arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
        wrapper = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())]
        with self._log(name).open("ab") as log:
            return subprocess.Popen(
                [*wrapper, *arguments],
                env=self._environment,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                start_new_session=True,  # Ctrl-C reaches `up` alone, which ends the others in order
            )

    def _log(self, name: str) -> Path:
        return self._log_dir / f"{name}.log"

    def _tail(self, name: str) -> str:
        lines = self._log(name).read_text(errors="replace").splitlines()
        return "\n".join(f"  {line}" for line in lines[-LOG_TAIL_LINES:])
