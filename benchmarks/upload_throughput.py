"""Seconds that an upload takes over those of a plain file copy with SHA-256.

    python -m benchmarks.upload_throughput [--mib 512] [--rounds 5]

The API runs under uvicorn as `gradient-clinic api` starts it; the client sends the file with sendfile(2) on
a loopback connection. The copy reads, hashes and writes blocks of 1 MiB in one thread and ends with fsync, as
the upload does. Rounds alternate between the two, so that a machine whose speed drifts favours neither.
"""

import argparse
import hashlib
import http.client
import json
import os
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple, TypeVar

import psutil

from benchmarks.serving import free_port, process, wait_for
from service.store.embedded_redis import EmbeddedRedis

T = TypeVar("T")

BLOCK_BYTES = 2**20


def copy_with_sha256(source: Path, target: Path) -> str:
    """Copy the file; SHA-256 of it in hexadecimal."""
    sha256 = hashlib.sha256()
    with source.open("rb") as reader, target.open("wb") as writer:
        while block := reader.read(BLOCK_BYTES):
            sha256.update(block)
            writer.write(block)
        writer.flush()
        os.fsync(writer.fileno())
    return sha256.hexdigest()


def upload(source: Path, port: int) -> str:
    """POST the file; its id. Raises RuntimeError unless it is new."""
    head = (
        f"POST /v1/checkpoints HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: {source.stat().st_size}\r\n\r\n"
    )
    with socket.create_connection(("127.0.0.1", port), timeout=300) as connection, source.open("rb") as file:
        connection.sendall(head.encode())
        connection.sendfile(file)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        document = json.load(answer)
    if answer.status != http.client.CREATED:
        raise RuntimeError(f"{answer.status}: {document}")
    return str(document["id"])


def delete(name: str, port: int) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port)
    connection.request("DELETE", f"/v1/checkpoints/{name}")
    connection.getresponse().read()
    connection.close()


class Cost(NamedTuple):
    """What something took."""

    seconds: float
    cpu_seconds: float
    """Processor time of the process that wrote the file."""


def cost(work: Callable[[], T], writer: psutil.Process) -> tuple[T, Cost]:
    """What `work` gives, and what it cost."""
    cpu, began = sum(writer.cpu_times()[:2]), time.perf_counter()
    result = work()
    return result, Cost(time.perf_counter() - began, sum(writer.cpu_times()[:2]) - cpu)


def one_round(source: Path, port: int, api: psutil.Process) -> tuple[Cost, Cost]:
    """What an upload costs, and what a copy costs."""
    name, uploaded = cost(lambda: upload(source, port), api)
    delete(name, port)
    target = source.with_name("copy")
    digest, copied = cost(lambda: copy_with_sha256(source, target), psutil.Process())
    target.unlink()
    if name != f"sha256:{digest}":
        raise RuntimeError(f"{name} is not sha256:{digest}")
    return uploaded, copied


def write_random_file(path: Path, mib: int) -> None:
    with path.open("wb") as file:
        for _ in range(mib):
            file.write(os.urandom(2**20))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--mib", type=int, default=512)
    parser.add_argument("--rounds", type=int, default=5)
    options = parser.parse_args()
    port = free_port()
    with tempfile.TemporaryDirectory() as name, EmbeddedRedis(Path(name)) as server:
        source = Path(name) / "model.pt"
        write_random_file(source, options.mib)
        environment = {"REDIS_URL": server.url, "GRADIENT_CLINIC_DATA_DIR": name}
        with process([sys.executable, "-m", "service.cli", "api", "--port", str(port)], environment) as api:
            wait_for(f"http://127.0.0.1:{port}/health/ready")
            server_process = psutil.Process(api.pid)
            before = server_process.memory_info().rss
            rounds = [one_round(source, port, server_process) for _ in range(options.rounds)]
            growth = (server_process.memory_info().rss - before) / 2**20
    print(f"\n{os.cpu_count()} cores, {options.mib} MiB, median of {options.rounds} rounds\n")
    print("| | seconds | MiB/s | processor seconds |\n|---|---|---|---|")
    for what, costs in zip(("upload", "copy with SHA-256"), zip(*rounds, strict=True), strict=True):
        seconds, cpu_seconds = (statistics.median(column) for column in zip(*costs, strict=True))
        print(f"| {what} | {seconds:.2f} | {options.mib / seconds:.0f} | {cpu_seconds:.2f} |")
    ratios = (
        statistics.median(ours[column] / plain[column] for ours, plain in rounds) for column in range(2)
    )
    print("| ratio | {:.2f} | | {:.2f} |".format(*ratios))
    print(f"\nThe API's resident memory grew by {growth:.0f} MiB.")


if __name__ == "__main__":
    main()
