"""The commands of the container images as plain processes, since no container engine may be at hand."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import yaml

from service.store.embedded_redis import find_redis_server
from tests.end_to_end.conftest import answers, free_port
from tests.support.waiting import wait_until

ROOT = Path(__file__).parents[2]


def test_redis_api_and_worker_as_the_images_start_them_finish_a_job(tmp_path: Path) -> None:
    redis_port, port = free_port(), free_port()
    environment = {
        "REDIS_URL": f"redis://127.0.0.1:{redis_port}/0",
        "GRADIENT_CLINIC_DATA_DIR": str(tmp_path / "data"),
        "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}",
    }
    redis_command = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]["redis"]["command"]
    on_loopback = ["--bind", "127.0.0.1", "--port", str(redis_port), "--dir", str(tmp_path)]
    request = json.loads((ROOT / "examples" / "healthy.json").read_text())
    with ExitStack() as stack:
        stack.enter_context(
            process([str(find_redis_server()), *redis_command[1:], *on_loopback], environment)
        )
        stack.enter_context(process(local(image_command("api"), port), environment))
        stack.enter_context(process(image_command("worker"), environment))
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", trust_env=False))
        wait_until(lambda: answers(client), timeout=60)
        job = client.post("/v1/jobs", json=request).json()
        wait_until(lambda: client.get(f"/v1/jobs/{job['id']}").json()["status"] == "succeeded", timeout=90)


def image_command(target: str) -> list[str]:
    """CMD of a stage of the Dockerfile."""
    stage = (ROOT / "Dockerfile").read_text().split(f" AS {target}\n")[1].split("\nFROM ")[0]
    line = next(line for line in stage.splitlines() if line.startswith("CMD "))
    command: list[str] = json.loads(line.removeprefix("CMD "))
    return command


def local(command: list[str], port: int) -> list[str]:
    """The same, listening on this machine only."""
    changes = {"0.0.0.0": "127.0.0.1", "8000": str(port)}
    return [changes.get(word, word) for word in command]


@contextmanager
def process(command: list[str], environment: dict[str, str]) -> Iterator[None]:
    child = subprocess.Popen(
        command, env=dict(os.environ) | environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield
    finally:
        child.terminate()
        child.wait(30)
