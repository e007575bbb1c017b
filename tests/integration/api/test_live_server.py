"""What only shows behind a real HTTP server: bodies that never end, clients that leave."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from service.app import create_app
from service.settings import Settings
from service.store import commands
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.integration.api.conftest import LiveServer, assert_problem
from tests.support.requests import HIDDEN, job_body, job_request
from tests.support.waiting import wait_until

HEAD = b"POST /v1/jobs HTTP/1.1\r\nHost: clinic\r\nContent-Type: application/json\r\n"
MIB = 2**20


def http(server: LiveServer) -> httpx.Client:
    return httpx.Client(base_url=f"http://127.0.0.1:{server.port}", trust_env=False, timeout=30)


def exchange(server: LiveServer, *parts: bytes) -> tuple[int, dict[str, Any]]:
    """Send raw bytes; status and document of the answer."""
    with socket.create_connection(("127.0.0.1", server.port), timeout=20) as connection:
        for part in parts:
            connection.sendall(part)
        answer = b""
        while b"}" not in answer:
            received = connection.recv(65536)
            assert received, answer
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    return int(head.split()[1]), json.loads(body)


def test_an_announced_giant_is_refused_before_it_is_sent(live: LiveServer) -> None:
    began = time.perf_counter()
    status, problem = exchange(live, HEAD + b"Content-Length: 104857600\r\n\r\n")
    assert (status, problem["title"]) == (413, "Content too large")
    assert time.perf_counter() - began < 1


def test_a_giant_with_expect_continue_is_refused_before_it_is_sent(live: LiveServer) -> None:
    status, _ = exchange(live, HEAD + b"Content-Length: 104857600\r\nExpect: 100-continue\r\n\r\n")
    assert status == 413


@pytest.mark.parametrize("length", [b"9" * 30, b"-1", b"ten"])
def test_a_length_that_is_no_length_is_refused(live: LiveServer, length: bytes) -> None:
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        connection.sendall(HEAD + b"Content-Length: " + length + b"\r\n\r\n")
        assert connection.recv(100).split()[1] in {b"400", b"413"}


def test_an_endless_body_without_length_is_cut_off(live: LiveServer) -> None:
    sent = 0

    def body() -> Iterator[bytes]:
        nonlocal sent
        for _ in range(100):
            sent += MIB
            yield b" " * MIB

    with http(live) as client:
        answer = client.post("/v1/jobs", content=body(), headers={"Content-Type": "application/json"})
        assert_problem(answer, 413)
        assert sent < 50 * MIB
        assert client.get("/health/ready").status_code == 200


def test_a_client_that_sends_a_little_too_much_still_gets_its_answer(live: LiveServer) -> None:
    body = b" " * (3 * MIB)
    for _ in range(3):
        status, _ = exchange(live, HEAD + b"Content-Length: %d\r\n\r\n" % len(body), body)
        assert status == 413


def test_a_body_that_does_not_arrive_is_given_up(store_settings: StoreSettings) -> None:
    settings = Settings(store=store_settings, body_seconds=0.3, log_level="error")
    with LiveServer(create_app(settings)) as server:
        status, problem = exchange(server, HEAD + b"Content-Length: 100\r\n\r\n{")
    assert (status, problem["title"]) == (408, "Request timeout")


def test_a_client_that_leaves_while_it_waits_is_forgotten(app: FastAPI, live: LiveServer) -> None:
    with http(live) as client:
        path = client.post("/v1/jobs", json=job_request(HIDDEN)).json()["links"]["self"]
    with socket.create_connection(("127.0.0.1", live.port)) as connection:
        connection.sendall(f"GET {path}?wait=30 HTTP/1.1\r\nHost: clinic\r\n\r\n".encode())
        wait_until(lambda: app.state.changes.watched == 1, what="it to wait")
    wait_until(lambda: app.state.changes.watched == 0, timeout=5, what="it to be forgotten")


def test_who_waits_is_answered_when_the_service_stops(app: FastAPI, live: LiveServer) -> None:
    with http(live) as client:
        path = client.post("/v1/jobs", json=job_request(HIDDEN)).json()["links"]["self"]
    with socket.create_connection(("127.0.0.1", live.port), timeout=20) as connection:
        connection.sendall(f"GET {path}?wait=30 HTTP/1.1\r\nHost: clinic\r\n\r\n".encode())
        wait_until(lambda: app.state.changes.watched == 1, what="it to wait")
        app.state.changes.close()  # what a stop signal does
        assert b"200 OK" in connection.recv(1000)


def test_a_stop_signal_answers_who_waits_and_ends_the_process(
    store_settings: StoreSettings, store: BlockingJobStore, tmp_path: Path
) -> None:
    environment = {
        **os.environ,
        "REDIS_URL": store_settings.redis_url,
        "GRADIENT_CLINIC_DATA_DIR": str(tmp_path),
    }
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "service.cli", "api", "--port", str(port)], env=environment
    )
    try:
        wait_until(lambda: listens(port), what="the API to start")
        with socket.create_connection(("127.0.0.1", port), timeout=20) as connection:
            body = job_body(HIDDEN)
            waiting = HEAD.replace(b"/v1/jobs", b"/v1/jobs?wait=30")
            connection.sendall(waiting + b"Content-Length: %d\r\n\r\n" % len(body) + body)
            wait_until(lambda: store.execute(commands.list_page(None, 1)).records, what="the job")
            process.send_signal(signal.SIGTERM)
            assert b" 202 " in connection.recv(1000)
        assert process.wait(10) in {0, -signal.SIGTERM}
    finally:
        process.kill()
        process.wait()


def listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
