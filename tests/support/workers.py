"""Real worker processes, and jobs for them."""

import json
import os
import signal
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import psutil

from service.contract.job import JobRequest
from service.store import commands
from service.store.ids import new_job_id
from service.store.jobs import BlockingJobStore
from service.store.records import JobRecord, NewJob
from service.store.settings import StoreSettings
from tests.support.jobs import record_of
from tests.support.waiting import wait_until
from workers import tasks
from workers.app import command, create_app

ROOT = Path(__file__).parents[2]
FAULTY = "tests.faults.faulty_worker"


class WorkerProcess:
    """A worker in a process of its own, started as `gradient-clinic worker` starts it."""

    def __init__(
        self, settings: StoreSettings, module: str, launcher: Sequence[str] = (), **variables: str
    ) -> None:
        environment = {name: value for name, value in os.environ.items() if "GRADIENT" not in name}
        environment |= {
            "REDIS_URL": settings.redis_url,
            "GRADIENT_CLINIC_DATA_DIR": str(settings.data_dir),
            "GRADIENT_CLINIC_LEASE_SECONDS": str(settings.lease_seconds),
            "GRADIENT_CLINIC_THREADS": "1",
            "PYTHONPATH": str(ROOT),
        }
        self.log_path = settings.data_dir / f"worker-{new_job_id()}.log"
        settings.data_dir.mkdir(parents=True, exist_ok=True)
        with self.log_path.open("wb") as log:
            self._process = subprocess.Popen(
                [*launcher, *command(module)], env=environment | variables, stdout=log, stderr=log, cwd=ROOT
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    def send(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def family(self) -> list[psutil.Process]:
        """Its zygote, and the children of that."""
        return psutil.Process(self.pid).children(recursive=True)

    def job_process(self) -> psutil.Process:
        """The process of the job that it runs, once there is one."""

        def look() -> psutil.Process | None:
            with suppress(psutil.NoSuchProcess):  # the worker starts short-lived processes too
                zygotes = psutil.Process(self.pid).children()
                return next((child for zygote in zygotes for child in zygote.children()), None)
            return None

        child = wait_until(look, what="a job's process")
        assert child is not None
        return child

    def wait(self, timeout: float = 20.0) -> int:
        return self._process.wait(timeout)

    def log(self) -> str:
        return self.log_path.read_text("utf-8", "replace")

    def close(self) -> None:
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGCONT)
            self._process.kill()
        self._process.wait(10)


@contextmanager
def worker(
    settings: StoreSettings, module: str = FAULTY, launcher: Sequence[str] = (), **variables: str
) -> Iterator[WorkerProcess]:
    """A worker, by way of the command `launcher` if there is one; killed at the end if it still runs. Does
    not wait until it takes messages."""
    process = WorkerProcess(settings, module, launcher, **variables)
    try:
        yield process
    finally:
        process.close()


class Jobs:
    """A client of the queue: what the front does, without HTTP."""

    def __init__(self, store: BlockingJobStore, settings: StoreSettings) -> None:
        self._store = store
        self._settings = settings
        self._celery = create_app(settings)

    def submit(self, request: JobRequest) -> str:
        job = NewJob(new_job_id(), request.model_dump_json(), '{"layers": [], "parameters": 0}', "tester")
        assert self._store.execute(commands.submit(job, self._settings)).outcome == "created"
        self._send(job.id)
        return job.id

    def reap(self) -> list[str]:
        """What the front does every few seconds."""
        lost = self._store.execute(commands.reap(self._settings))
        for job_id in lost:
            self._send(job_id)
        return lost

    def record(self, job_id: str) -> JobRecord:
        return record_of(self._store, job_id)

    def cancel(self, job_id: str) -> str:
        return self._store.execute(commands.cancel(job_id))

    def wait_for_step(self, job_id: str, *, attempt: int = 1, timeout: float = 30.0) -> JobRecord:
        """The job once `attempt` has told of a training step."""

        def look() -> JobRecord | None:
            record = self.record(job_id)
            told = json.loads(record.progress_json)["step"] if record.progress_json else 0
            return record if told > 0 and record.attempt == attempt else None

        return _found(wait_until(look, timeout=timeout, what="a training step"))

    def wait_for_end(self, job_id: str, *, reaping: bool = False, timeout: float = 30.0) -> JobRecord:
        """The job once it is final; `reaping` meanwhile, if there is no front to do it."""

        def look() -> JobRecord | None:
            if reaping:
                self.reap()
            record = self.record(job_id)
            return record if record.status.final else None

        return _found(wait_until(look, timeout=timeout, every=0.1, what=f"the end of {job_id}"))

    def close(self) -> None:
        self._celery.close()

    def _send(self, job_id: str) -> None:
        self._celery.send_task(tasks.TASK, (job_id,), queue=tasks.DEFAULT_QUEUE)


def error_of(record: JobRecord) -> dict[str, Any]:
    """Why the job failed."""
    assert record.error_json is not None, record.status
    error: dict[str, Any] = json.loads(record.error_json)
    return error


def _found(record: JobRecord | None) -> JobRecord:
    assert record is not None
    return record
