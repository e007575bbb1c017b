"""Polls per second of the API over those of a bare Starlette endpoint; its start-up time and memory.

    python -m benchmarks.api_polling

Both servers run under uvicorn with one process; the bare one answers a constant JSON body of the same
length. Rounds alternate between the two, so that a machine whose speed drifts does not favour either.
"""

import asyncio
import json
import os
import statistics
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import psutil

from benchmarks.serving import free_port, process, requests_per_second, wait_for
from service.store.embedded_redis import EmbeddedRedis

ROUNDS = 7
SECONDS = 2.0
CONNECTIONS = 8
EXAMPLE = Path(__file__).parents[1] / "examples" / "article.json"
BARE = """
import sys, uvicorn
from starlette.applications import Starlette
from starlette.responses import Response
from starlette.routing import Route
body = b'{"x":"' + b'x' * (int(sys.argv[2]) - 8) + b'"}'
app = Starlette(routes=[Route('/', lambda request: Response(body, media_type='application/json'))])
uvicorn.run(app, host='127.0.0.1', port=int(sys.argv[1]), log_level='warning', access_log=False)
"""


def submit_queued_job(port: int) -> tuple[str, int]:
    """POST the example (no worker runs, it stays queued); the job's path and the length of its body."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    post = urllib.request.Request(
        f"http://127.0.0.1:{port}/v1/jobs", EXAMPLE.read_bytes(), {"Content-Type": "application/json"}
    )
    with opener.open(post) as answer:
        path = f"/v1/jobs/{json.load(answer)['id']}"
    with opener.open(f"http://127.0.0.1:{port}{path}") as answer:
        return path, len(answer.read())


def resident_mib(pid: int) -> float:
    return psutil.Process(pid).memory_info().rss / 2**20


def main() -> None:
    port, bare_port = free_port(), free_port()
    with tempfile.TemporaryDirectory() as folder, EmbeddedRedis(Path(folder)) as server:
        environment = {"REDIS_URL": server.url, "GRADIENT_CLINIC_DATA_DIR": folder}
        began = time.perf_counter()
        api_command = [sys.executable, "-m", "service.cli", "api", "--port", str(port)]
        with process(api_command, environment) as api:
            wait_for(f"http://127.0.0.1:{port}/health/live")
            api_start = time.perf_counter() - began
            path, length = submit_queued_job(port)
            began = time.perf_counter()
            with process([sys.executable, "-c", BARE, str(bare_port), str(length)]) as bare:
                wait_for(f"http://127.0.0.1:{bare_port}/")
                bare_start = time.perf_counter() - began
                rates = [
                    (
                        asyncio.run(requests_per_second(port, path, CONNECTIONS, SECONDS)),
                        asyncio.run(requests_per_second(bare_port, "/", CONNECTIONS, SECONDS)),
                    )
                    for _ in range(ROUNDS)
                ]
                memory, bare_memory = resident_mib(api.pid), resident_mib(bare.pid)
    ratio = statistics.median(ours / plain for ours, plain in rates)
    print(f"\n{os.cpu_count()} cores, {CONNECTIONS} connections, {length} bytes, median of {ROUNDS} rounds\n")
    print("| | API | bare Starlette | ratio |\n|---|---|---|---|")
    ours, plain = (statistics.median(column) for column in zip(*rates, strict=True))
    print(f"| polls per second | {ours:.0f} | {plain:.0f} | {ratio:.2f} |")
    print(f"| start to first answer, s | {api_start:.2f} | {bare_start:.2f} | {api_start / bare_start:.2f} |")
    print(f"| resident memory, MiB | {memory:.0f} | {bare_memory:.0f} | {memory / bare_memory:.2f} |")


if __name__ == "__main__":
    main()
