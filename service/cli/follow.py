"""Follow a job to its end, showing its progress."""

import time
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from service.cli.client import Client

FINAL = {"succeeded", "failed", "cancelled"}
POLL_SECONDS = 0.25


def follow(client: Client, job: dict[str, Any], console: Console) -> dict[str, Any]:
    """Poll a job until it is final and return it. Ctrl-C leaves the job running."""
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[loss]}"),
        TimeElapsedColumn(),
        console=console,
        transient=True,
    ) as progress:
        bar = progress.add_task(f"{job['id']} queued", total=None, loss="")
        while job["status"] not in FINAL:
            time.sleep(POLL_SECONDS)
            job = client.job(job["id"])
            show(progress, bar, job)
    return job


def show_trials(progress: Progress, bar: TaskID, job_id: str, trials: list[dict[str, Any]]) -> None:
    """All trials together; those that run are named."""
    running = ", ".join(trial["remedy"] for trial in trials if trial["status"] == "running")
    progress.update(
        bar,
        description=f"{job_id} trying {running}",
        completed=sum(trial["step"] for trial in trials),
        total=sum(trial["steps"] for trial in trials) or None,
        loss="",
    )


def show(progress: Progress, bar: TaskID, job: dict[str, Any]) -> None:
    """Bring the progress bar up to date with a job."""
    now = job["progress"]
    if now is None or job["status"] == "queued":
        progress.update(bar, description=f"{job['id']} {job['status']}")
        return
    if now["phase"] == "trying":
        show_trials(progress, bar, job["id"], now["trials"])
        return
    loss = "" if now["loss"] is None else f"loss {now['loss']:.4g}"
    progress.update(
        bar,
        description=f"{job['id']} {now['phase']}",
        completed=now["step"],
        total=now["steps"] or None,
        loss=loss,
    )
