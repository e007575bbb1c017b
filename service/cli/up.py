"""`gradient-clinic up`: Redis, the API and workers on this machine, in one command."""

import argparse
import os
import signal
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from rich.console import Console

from service.cli.arguments import Commands, port, positive
from service.cli.client import Client
from service.cli.errors import CommandError
from service.cli.follow import follow
from service.cli.processes import Fleet
from service.cli.render import render_job
from service.store.embedded_redis import EmbeddedRedis
from service.store.errors import EmbeddedRedisError

HOST = "127.0.0.1"
EXAMPLE = Path(__file__).parents[2] / "examples" / "article.json"
START_SECONDS = 60.0
WATCH_SECONDS = 0.5
LEAST_MEMORY_MIB = 512


def add_to(commands: Commands) -> None:
    parser = commands.add_parser("up", help="start Redis, the API and workers on this machine")
    parser.add_argument("--port", type=port, default=8000, help="port of the API (default: %(default)s)")
    parser.add_argument(
        "--data-dir",
        type=Path,
        default=Path(os.environ.get("GRADIENT_CLINIC_DATA_DIR", ".gradient-clinic")),
        help="where jobs are kept (default: GRADIENT_CLINIC_DATA_DIR or %(default)s)",
    )
    parser.add_argument("--workers", type=positive, default=1, help="worker processes (default: %(default)s)")
    parser.add_argument("--no-example", action="store_true", help="do not run the example job")
    parser.set_defaults(run=run)


def run(options: argparse.Namespace) -> int:
    """Serve until Ctrl-C or SIGTERM; then end everything that was started. Jobs stay on disk."""
    console = Console()
    url = f"http://{HOST}:{options.port}"
    check_port_is_free(options.port)
    with stopped_by_signals(console), ExitStack() as stack:
        data_dir = options.data_dir.resolve()
        environment = shares_of_the_machine(options.workers) | dict(os.environ)
        environment["GRADIENT_CLINIC_DATA_DIR"] = str(data_dir)
        server = embedded_redis(data_dir, stack)
        if server is not None:
            environment["REDIS_URL"] = server.url
        fleet = stack.enter_context(Fleet(environment, data_dir / "logs"))
        fleet.start("api", "api", "--host", HOST, "--port", str(options.port))
        for number in range(options.workers):
            fleet.start(f"worker-{number}", "worker", restart=True)
        with Client(url) as client:
            wait_until_ready(client, fleet)
            fleet.keep("api")
            if not options.no_example:
                run_example(client, console)
        announce(url, options.data_dir, console)
        watch(fleet, server)
    return 0


def shares_of_the_machine(workers: int) -> dict[str, str]:
    """Settings that divide cores and memory among several workers; one alone takes what there is."""
    if workers == 1:
        return {}
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**20
    return {
        "GRADIENT_CLINIC_THREADS": str(max(1, (os.cpu_count() or 1) // workers)),
        "GRADIENT_CLINIC_MEMORY_MIB": str(max(LEAST_MEMORY_MIB, int(0.75 * memory / workers))),
    }


def embedded_redis(data_dir: Path, stack: ExitStack) -> EmbeddedRedis | None:
    """A Redis server that lives as long as `stack`; none where REDIS_URL names one."""
    url = os.environ.get("REDIS_URL")
    if url is None:
        with explained():
            return stack.enter_context(EmbeddedRedis(data_dir))
    try:
        with redis.Redis.from_url(url, socket_connect_timeout=3) as connection:
            connection.ping()
    except (redis.RedisError, ValueError) as error:
        message = f"no Redis answers at REDIS_URL ({error}); unset it to use the embedded one"
        raise CommandError(message) from error
    return None


@contextmanager
def explained() -> Iterator[None]:
    """Turn what the embedded server complains of into the command's own complaint."""
    try:
        yield
    except EmbeddedRedisError as error:
        raise CommandError(str(error)) from error


def check_port_is_free(number: int) -> None:
    """Raises CommandError if something listens on the port already."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((HOST, number))
        except OSError as error:
            raise CommandError(
                f"port {number} cannot be used ({error.strerror}); choose another: "
                f"gradient-clinic up --port N, or make run PORT=N"
            ) from error


def wait_until_ready(client: Client, fleet: Fleet) -> None:
    """Raises CommandError if the API is not ready in time."""
    deadline = time.monotonic() + START_SECONDS
    while not client.ready():
        fleet.check()
        if time.monotonic() > deadline:
            raise CommandError(
                f"the API was not ready after {START_SECONDS:.0f} s; see the logs in the data folder"
            )
        time.sleep(0.1)


def run_example(client: Client, console: Console) -> None:
    """Submit the article's case and print its diagnosis."""
    if not EXAMPLE.exists():
        console.print(f"no example at {EXAMPLE}; going on without it")
        return
    console.print(f"Diagnosing {EXAMPLE.name}: 20 sigmoid layers on scikit-learn's digits …")
    render_job(follow(client, client.submit(EXAMPLE.read_bytes()), console), console)


def announce(url: str, data_dir: Path, console: Console) -> None:
    """Say where the service is and how to use it."""
    lines = (
        "",
        f"Gradient Clinic serves at {url}   (reference: {url}/docs)",
        "Ask it yourself:",
        f"  curl -s '{url}/v1/jobs?wait=30' -H 'Content-Type: application/json' -d @examples/article.json",
        f"Ctrl-C ends it; jobs and logs are kept in {data_dir}",
    )
    for line in lines:
        console.print(line, highlight=False, soft_wrap=True)


def watch(fleet: Fleet, server: EmbeddedRedis | None) -> None:
    """Keep everything running until a signal arrives. A Redis that died is started again on its files."""
    while True:
        fleet.check()
        if server is not None and server.pid is None:
            server.stop()
            with explained():
                server.start()
        time.sleep(WATCH_SECONDS)


@contextmanager
def stopped_by_signals(console: Console) -> Iterator[None]:
    """Turn SIGTERM and Ctrl-C into an orderly end of the block, which a second one does not interrupt."""

    def stop(number: int, _frame: object) -> None:
        for name in (signal.SIGTERM, signal.SIGINT):
            signal.signal(name, signal.SIG_IGN)
        console.print(f"\n{signal.Signals(number).name}: stopping …")
        raise KeyboardInterrupt

    previous = {name: signal.signal(name, stop) for name in (signal.SIGTERM, signal.SIGINT)}
    try:
        yield
    except KeyboardInterrupt:
        console.print("stopped; nothing is lost: unfinished jobs go on at the next start")
    finally:
        for name, handler in previous.items():
            signal.signal(name, handler)
