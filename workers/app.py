"""The Celery app of a worker. `python -m workers.app` starts one; so does `celery -A workers.app worker`."""

import os
import socket
import sys
from contextlib import ExitStack
from typing import Any

from celery import Celery, bootsteps, signals
from kombu.entity import Queue

from service.store.artifacts import ArtifactStore
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from service.store.trial_commands import queues_beside
from workers import tasks
from workers.isolation.confinement.policy import Policy, Protections
from workers.isolation.confinement.probe import protections_here
from workers.isolation.process import Zygote
from workers.logs import configure_logging
from workers.machine import has_gpu
from workers.presence import Presence
from workers.scratch import Scratch
from workers.settings import WorkerSettings
from workers.supervisor import Supervisor
from workers.units import Entries

PRELOAD = "workers.warm"
LOOK_FOR_WORK_SECONDS = 0.1
"""Nothing wakes Celery's loop when a thread has become free; by itself it looks once a second."""
STORE_RETRIES = 1
"""Few, as the supervisor watches its child between two attempts."""


class Crew:
    """What a running worker consists of besides Celery: built when it starts, torn down when it stops."""

    def __init__(
        self, store: StoreSettings, settings: WorkerSettings, entries: Entries, preload: str
    ) -> None:
        self._store_settings = store
        self._settings = settings
        self._entries = entries
        self._zygote = Zygote([preload])
        self._resources = ExitStack()
        self._supervisor: Supervisor | None = None

    def start(self) -> None:
        """From the main thread: the kernel ends the zygote with the thread that started it."""
        self._resources.callback(self._zygote.close)
        self._zygote.start()
        name = f"{socket.gethostname()}:{os.getpid()}"
        data_dir = self._store_settings.data_dir.resolve()
        scratch = self._resources.enter_context(Scratch(data_dir / "scratch"))
        protections = self._find_protections(scratch)
        store = self._resources.enter_context(
            BlockingJobStore(self._store_settings.redis_url, retries=STORE_RETRIES)
        )
        required = self._settings.require_confinement
        self._resources.enter_context(Presence(store, name, protections, required=required))
        self._supervisor = Supervisor(
            store,
            ArtifactStore(data_dir / "artifacts"),
            scratch,
            self._zygote,
            self._settings,
            name=name,
            lease_seconds=self._store_settings.lease_seconds,
            protections=protections,
            entries=self._entries,
        )

    def _find_protections(self, scratch: Scratch) -> Protections:
        with scratch.directory() as directory:
            return protections_here(Policy(user=self._settings.job_user, cuda=has_gpu()), directory)

    def supervisor(self) -> Supervisor:
        """There from `start` on."""
        if self._supervisor is None:
            raise RuntimeError("the worker has not started")
        return self._supervisor

    def stop(self) -> None:
        """Give the present job back unless it ends soon, and leave nothing behind."""
        if self._supervisor is not None:
            self._supervisor.stop()
            self._supervisor.wait_until_idle()
        self._resources.close()


def create_app(
    store: StoreSettings | None = None,
    settings: WorkerSettings | None = None,
    *,
    entries: Entries | None = None,
    preload: str = PRELOAD,
) -> Celery:
    """A Celery app whose worker runs jobs and trials with the code of `entries` in children that find the
    module `preload` imported."""
    store = store or StoreSettings()
    settings = settings or WorkerSettings()
    crew = Crew(store, settings, entries or Entries(), preload)

    class CrewStep(bootsteps.StartStopStep):  # type: ignore[misc]  # Celery has no types
        """Started before the first message is read; stopped before Celery waits for its threads."""

        requires = ("celery.worker.components:Pool",)

        def start(self, parent: Any) -> None:
            crew.start()
            if parent.hub is not None:
                parent.hub.call_repeatedly(LOOK_FOR_WORK_SECONDS, lambda: None)

        def stop(self, _parent: Any) -> None:
            crew.stop()

        terminate = stop

    app = Celery("gradient-clinic", broker=broker_url(store.redis_url), set_as_current=False)
    app.conf.update(configuration(settings))
    app.steps["worker"].add(CrewStep)
    tasks.register(app, crew.supervisor)
    return app


def broker_url(redis_url: str) -> str:
    """Celery's name for a Redis server; it has its own for one behind a Unix socket."""
    return redis_url.replace("unix://", "redis+socket://", 1)


def configuration(settings: WorkerSettings) -> dict[str, Any]:
    """Celery for long jobs. The reasons are in docs/decisions; each of these was a job lost or run twice."""
    queues = queues_beside([name.strip() for name in settings.queues.split(",") if name.strip()])
    return {
        "task_queues": [Queue(name) for name in queues],  # type: ignore[no-untyped-call]
        # Of several queues Celery's Redis transport serves each in turn: jobs do not wait behind trials.
        "task_default_queue": tasks.DEFAULT_QUEUE,
        "task_ignore_result": True,  # the job store holds the truth
        "task_acks_late": False,  # late ones run long jobs twice; our lease decides what is lost
        "accept_content": ["json"],
        "worker_pool": "threads",  # a thread that supervises; the work is in a process of its own
        "worker_concurrency": 1,
        "worker_prefetch_multiplier": 1,
        "worker_disable_prefetch": True,  # or a message waits here while another worker is idle
        "worker_enable_remote_control": False,
        "worker_send_task_events": False,
        "worker_cancel_long_running_tasks_on_connection_loss": False,
        "worker_redirect_stdouts": False,
        "broker_connection_retry_on_startup": True,
        "broker_connection_max_retries": None,
        "broker_connection_timeout": 2,
        "broker_transport_options": {
            "visibility_timeout": 60,  # only for messages that were not acknowledged: none that are running
            "socket_timeout": 5,
            "socket_connect_timeout": 2,
            "socket_keepalive": True,
            "health_check_interval": 15,
        },
    }


@signals.setup_logging.connect  # type: ignore[untyped-decorator]
def _configure_logging(**_: Any) -> None:
    configure_logging(WorkerSettings().log_json)


app = create_app()


def command(module: str = "workers.app") -> list[str]:
    """What starts a worker of the app in `module`, with the options that Celery takes only there."""
    options = ["--without-gossip", "--without-mingle", "--without-heartbeat", "--loglevel=INFO"]
    return [sys.executable, "-m", "celery", "--quiet", f"--app={module}", "worker", *options]


def main() -> None:
    """Become a worker."""
    os.execv(sys.executable, command())


if __name__ == "__main__":
    main()
