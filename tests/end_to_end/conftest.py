"""A whole Gradient Clinic as its users start it: `gradient-clinic up`, real processes, a real Redis."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.support.waiting import wait_until

EXAMPLES = Path(__file__).parents[2] / "examples"


class Up:
    """A running `gradient-clinic up`."""

    def __init__(self, data_dir: Path, *options: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.output = data_dir.parent / f"{data_dir.name}-{self.port}.out"
        environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
        command = [sys.executable, "-m", "service.cli", "up", "--port", str(self.port)]
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [*command, "--data-dir", str(data_dir), *options],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=environment,
                start_new_session=True,
            )
        self.http = httpx.Client(base_url=self.url, trust_env=False, timeout=60)

    def wait_until_announced(self) -> None:
        wait_until(lambda: "serves at" in self.printed() or self.process.poll() is not None, timeout=90)
        assert self.process.poll() is None, self.printed()

    def printed(self) -> str:
        return self.output.read_text()

    def interrupt(self) -> int:
        """Press Ctrl-C and wait for the end; the exit status."""
        self.http.close()
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(60)


@contextmanager
def up(data_dir: Path, *options: str) -> Iterator[Up]:
    running = Up(data_dir, *options)
    try:
        running.wait_until_announced()
        yield running
    finally:
        if running.process.poll() is None:
            running.interrupt()


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture(scope="module")
def clinic(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Up]:
    """One running clinic, without the example, for all tests of a module."""
    with up(tmp_path_factory.mktemp("clinic") / "data", "--no-example") as running:
        yield running


def answers(http: httpx.Client) -> bool:
    """Whether the service can take jobs."""
    try:
        return http.get("/health/ready").is_success
    except httpx.TransportError:
        return False


def submit(clinic: Up, request: dict[str, Any]) -> dict[str, Any]:
    answer = clinic.http.post("/v1/jobs", json=request)
    assert answer.status_code == 202, answer.text
    job: dict[str, Any] = answer.json()
    return job


def finished(clinic: Up, request: dict[str, Any]) -> dict[str, Any]:
    """The job after its end."""
    job = submit(clinic, request)
    while job["status"] not in {"succeeded", "failed", "cancelled"}:
        job = clinic.http.get(f"/v1/jobs/{job['id']}", params={"wait": 30}).json()
    return job


def example(name: str) -> dict[str, Any]:
    document: dict[str, Any] = json.loads((EXAMPLES / name).read_text())
    return document


def run_command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    return subprocess.run(
        [sys.executable, "-m", "service.cli", *arguments],
        capture_output=True,
        text=True,
        timeout=100,
        env=environment,
        check=False,
    )
