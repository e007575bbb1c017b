"""What the benchmarks share: servers as real processes, and an HTTP client that costs little itself."""

import asyncio
import contextlib
import json
import os
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

START_SECONDS = 60.0


def free_port() -> int:
    """A TCP port that was free a moment ago."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def process(
    arguments: Sequence[str], environment: Mapping[str, str] | None = None
) -> Iterator["subprocess.Popen[bytes]"]:
    """A child process, ended by SIGTERM when the block is left."""
    child = subprocess.Popen(
        arguments,
        env=dict(os.environ) | dict(environment or {}),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    try:
        yield child
    finally:
        child.send_signal(signal.SIGTERM)
        try:
            child.wait(40)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()


def wait_for(url: str) -> float:
    """Seconds until `url` answers 200. Raises TimeoutError."""
    began = time.perf_counter()
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    while time.perf_counter() - began < START_SECONDS:
        with contextlib.suppress(OSError), opener.open(url, timeout=2):
            return time.perf_counter() - began
        time.sleep(0.005)
    raise TimeoutError(f"{url} did not answer in {START_SECONDS:.0f} s")


@contextlib.contextmanager
def clinic(data_dir: Path, workers: int = 1) -> Iterator[str]:
    """A whole Gradient Clinic on a free port; yields its address."""
    port = free_port()
    command = [sys.executable, "-m", "service.cli", "up", "--no-example", "--port", str(port)]
    command += ["--data-dir", str(data_dir), "--workers", str(workers)]
    without_redis_url = {name: value for name, value in os.environ.items() if name != "REDIS_URL"}
    with process(command, without_redis_url):
        wait_for(f"http://127.0.0.1:{port}/health/ready")
        yield f"http://127.0.0.1:{port}"


def diagnosed(address: str, request: bytes) -> tuple[float, dict[str, Any]]:
    """Seconds from POST to a job's end, and the job. Waits instead of polling, which would take the cores
    from the job. Raises RuntimeError if it did not succeed."""
    began = time.perf_counter()
    job = _call(f"{address}/v1/jobs", request)
    while job["status"] in {"queued", "running"}:
        job = _call(f"{address}/v1/jobs/{job['id']}?wait=30")
    if job["status"] != "succeeded":
        raise RuntimeError(job["error"])
    return time.perf_counter() - began, job


def _call(url: str, body: bytes | None = None) -> dict[str, Any]:
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(urllib.request.Request(url, body, {"Content-Type": "application/json"})) as answer:
        document: dict[str, Any] = json.load(answer)
        return document


async def requests_per_second(port: int, path: str, connections: int, seconds: float) -> float:
    """Sequential GETs over kept-alive connections. Raises RuntimeError unless all answer 200."""
    request = f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n".encode()
    deadline = time.perf_counter() + seconds

    async def one_connection() -> int:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        done = 0
        while time.perf_counter() < deadline:
            writer.write(request)
            head = await reader.readuntil(b"\r\n\r\n")
            if not head.startswith(b"HTTP/1.1 200"):
                raise RuntimeError(head.decode(errors="replace"))
            length = next(
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length:")
            )
            await reader.readexactly(length)
            done += 1
        writer.close()
        return done

    began = time.perf_counter()
    total = sum(await asyncio.gather(*(one_connection() for _ in range(connections))))
    return total / (time.perf_counter() - began)
