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
from pathlib import Path

import psutil

from benchmarks.serving import free_port, process, wait_for
from service.store.embedded_redis import EmbeddedRedis

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


def one_round(source: Path, port: int) -> tuple[float, float]:
    """Seconds of an upload, and of a copy."""
    began = time.perf_counter()
    name = upload(source, port)
    uploaded = time.perf_counter() - began
    delete(name, port)

    target = source.with_name("copy")
    began = time.perf_counter()
    digest = copy_with_sha256(source, target)
    copied = time.perf_counter() - began
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
            before = psutil.Process(api.pid).memory_info().rss
            rounds = [one_round(source, port) for _ in range(options.rounds)]
            growth = (psutil.Process(api.pid).memory_info().rss - before) / 2**20
    print(f"\n{os.cpu_count()} cores, {options.mib} MiB, median of {options.rounds} rounds\n")
    print("| | seconds | MiB/s |\n|---|---|---|")
    for what, seconds in zip(("upload", "copy with SHA-256"), zip(*rounds, strict=True), strict=True):
        typical = statistics.median(seconds)
        print(f"| {what} | {typical:.2f} | {options.mib / typical:.0f} |")
    ratio = statistics.median(uploaded / copied for uploaded, copied in rounds)
    print(f"\nupload over copy: {ratio:.2f}; the API's resident memory grew by {growth:.0f} MiB")


if __name__ == "__main__":
    main()
