"""Uploads behind a real HTTP server: too large, too slow, broken off, no room; and what memory they take."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

from service.app import create_app
from service.settings import Settings
from service.store.settings import StoreSettings
from tests.integration.api.conftest import LiveServer, assert_problem
from tests.integration.api.test_live_server import exchange, listens
from tests.integration.api.test_uploads import uploads_on_disk
from tests.support.waiting import wait_until
from tests.unit.store.test_incoming import files_of_at_most

MIB = 2**20
HEAD = b"POST /v1/checkpoints HTTP/1.1\r\nHost: clinic\r\nContent-Type: application/octet-stream\r\n"


@contextmanager
def serving(store_settings: StoreSettings, **changes: Any) -> Iterator[LiveServer]:
    settings = Settings(store=store_settings, log_level="error").model_copy(update=changes)
    with LiveServer(create_app(settings)) as server:
        yield server


def client(port: int) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=60)


def blocks(size: int) -> Iterator[bytes]:
    block = os.urandom(MIB)
    for _ in range(size // MIB):
        yield block


def arriving(store_settings: StoreSettings) -> int:
    return sum(path.stat().st_size for path in uploads_on_disk(store_settings))


@pytest.mark.parametrize("expect", [b"", b"Expect: 100-continue\r\n"])
def test_an_announced_giant_is_refused_before_it_is_sent(
    store_settings: StoreSettings, expect: bytes
) -> None:
    with serving(store_settings) as server:
        began = time.perf_counter()
        status, problem = exchange(server, HEAD + expect + b"Content-Length: %d\r\n\r\n" % (2**31 + 1))
        assert (status, problem["title"]) == (413, "Content too large")
        assert str(2**31) in problem["detail"]
        assert time.perf_counter() - began < 1  # milliseconds; generous for a busy machine
    assert uploads_on_disk(store_settings) == []


def test_who_expects_a_hundred_is_told_to_go_on(store_settings: StoreSettings) -> None:
    with (
        serving(store_settings) as server,
        socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection,
    ):
        connection.sendall(HEAD + b"Content-Length: 5\r\nExpect: 100-continue\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 100 ")
        connection.sendall(b"bytes")
        assert connection.recv(1000).startswith(b"HTTP/1.1 201 ")


@pytest.mark.parametrize("headers", [{}, {"Expect": "100-continue"}], ids=["plain", "expect"])
def test_a_giant_of_unknown_length_is_cut_off_and_leaves_nothing(
    store_settings: StoreSettings, headers: dict[str, str]
) -> None:
    with serving(store_settings, upload_bytes=3 * MIB) as server, client(server.port) as http:
        answer = http.post("/v1/checkpoints", content=blocks(100 * MIB), headers=headers)
        assert_problem(answer, 413)
        wait_until(lambda: uploads_on_disk(store_settings) == [], what="the rest to go")
        assert http.post("/v1/checkpoints", content=blocks(3 * MIB)).status_code == 201


def test_a_file_that_stops_arriving_is_given_up_and_a_slow_one_is_not(store_settings: StoreSettings) -> None:
    with serving(store_settings, upload_idle_seconds=0.4) as server:
        status, problem = exchange(server, HEAD + b"Content-Length: 100\r\n\r\n", b"half")
        assert (status, problem["title"]) == (408, "Request timeout")
        wait_until(lambda: uploads_on_disk(store_settings) == [], what="the rest to go")

        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=20)
        began = time.monotonic()
        connection.putrequest("POST", "/v1/checkpoints")
        connection.putheader("Content-Length", "8")
        connection.endheaders()
        for number in range(8):  # longer in all than a pause may be
            wait_until(lambda due=began + 0.1 * number: time.monotonic() >= due)
            connection.send(b"x")
        assert time.monotonic() - began > 0.4
        assert connection.getresponse().status == 201
        connection.close()


def test_a_client_that_leaves_leaves_nothing(store_settings: StoreSettings) -> None:
    with serving(store_settings) as server:
        with socket.create_connection(("127.0.0.1", server.port)) as connection:
            connection.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n" + bytes(5 * MIB))
            wait_until(lambda: arriving(store_settings) >= 4 * MIB, what="it to arrive")
        wait_until(lambda: uploads_on_disk(store_settings) == [], timeout=5, what="the rest to go")
        with client(server.port) as http:
            assert http.get("/v1/checkpoints").json()["data"] == []


def test_a_full_disk_is_said_and_leaves_nothing(store_settings: StoreSettings) -> None:
    with serving(store_settings) as server, client(server.port) as http:
        with files_of_at_most(4 * MIB):
            answer = http.post("/v1/checkpoints", content=blocks(30 * MIB))
            assert_problem(answer, 507, "insufficient-storage")
            wait_until(lambda: uploads_on_disk(store_settings) == [], what="the rest to go")
        assert http.post("/v1/checkpoints", content=blocks(5 * MIB)).status_code == 201


@contextmanager
def api_process(store_settings: StoreSettings) -> Iterator[tuple["subprocess.Popen[bytes]", int]]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment = os.environ | {
        "REDIS_URL": store_settings.redis_url,
        "GRADIENT_CLINIC_DATA_DIR": str(store_settings.data_dir),
    }
    command = [sys.executable, "-m", "service.cli", "api", "--port", str(port)]
    process = subprocess.Popen(command, env=environment)
    try:
        wait_until(lambda: listens(port), what="the API to start")
        yield process, port
    finally:
        process.kill()
        process.wait()


def test_what_a_killed_process_left_is_an_incoming_file_that_the_sweep_finds(
    store_settings: StoreSettings,
) -> None:
    with (
        api_process(store_settings) as (process, port),
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        connection.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n" + bytes(5 * MIB))
        wait_until(lambda: arriving(store_settings) >= 4 * MIB, what="it to arrive")
        process.kill()
        process.wait()
    (left,) = uploads_on_disk(store_settings)
    assert left.parent.name == ".incoming"


def test_a_stop_signal_ends_an_upload_and_leaves_nothing(store_settings: StoreSettings) -> None:
    with (
        api_process(store_settings) as (process, port),
        socket.create_connection(("127.0.0.1", port)) as connection,
    ):
        connection.sendall(HEAD + b"Content-Length: 100000000\r\n\r\n" + bytes(5 * MIB))
        wait_until(lambda: arriving(store_settings) >= 4 * MIB, what="it to arrive")
        process.send_signal(signal.SIGTERM)
        process.wait(20)
    assert uploads_on_disk(store_settings) == []


@pytest.mark.parametrize("mib", [200, pytest.param(2048, marks=pytest.mark.slow)])
def test_memory_stays_flat_however_large_the_file_is(store_settings: StoreSettings, mib: int) -> None:
    with api_process(store_settings) as (process, port), client(port) as http:
        for path in ("/v1/checkpoints", "/v1/datasets"):  # everything is loaded now
            assert http.post(path, content=blocks(4 * MIB)).status_code == 201
        before = peak_mib(process.pid)

        answer = http.post(
            "/v1/checkpoints", content=blocks(mib * MIB), headers={"Content-Length": str(mib * MIB)}
        )

        assert answer.status_code == 201
        assert answer.json()["size_bytes"] == mib * MIB
        assert peak_mib(process.pid) - before < 16


def peak_mib(pid: int) -> float:
    """The most memory that the process has had resident (VmHWM)."""
    assert psutil.pid_exists(pid)
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    kib = next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
    return kib / 1024
