"""Telling the workers that there is work: Celery as a client. It knows a task's name, not its code."""

import anyio.to_thread
import structlog
from anyio import CapacityLimiter
from celery import Celery
from kombu.exceptions import KombuError
from redis.exceptions import RedisError

from service.contract.training_plan import Device
from service.store.trial_commands import queue_of, queues_beside

TASK = "gradient_clinic.run_job"
DEFAULT_QUEUE = "gradient-clinic"
GPU_QUEUE = "gpu"
QUEUES = queues_beside((DEFAULT_QUEUE, GPU_QUEUE))
_SENDING_THREADS = 4

log = structlog.get_logger("service.dispatch")


class Dispatcher:
    """Sends one message per unit of work: a job, or a trial of one. A lost message does no
    harm: the reaper sends another."""

    def __init__(self, redis_url: str) -> None:
        self._celery = Celery("gradient-clinic-api", broker=broker_url(redis_url), set_as_current=False)
        self._celery.conf.update(
            task_ignore_result=True,
            task_serializer="json",
            broker_connection_timeout=2.0,
            broker_transport_options={"socket_connect_timeout": 2.0, "socket_timeout": 5.0},
        )
        self._threads = CapacityLimiter(_SENDING_THREADS)

    async def send(self, unit: str, device: Device) -> bool:
        """Send the unit's message; False if it could not be sent. `device` is what its job asks for."""
        queue = queue_of(unit, queue_for(device))
        try:
            await anyio.to_thread.run_sync(self._send, unit, queue, limiter=self._threads)
        except (KombuError, RedisError, OSError) as error:
            log.warning("message not sent", unit=unit, reason=str(error))
            return False
        return True

    def close(self) -> None:
        self._celery.close()

    def _send(self, unit: str, queue: str) -> None:
        self._celery.send_task(
            TASK,
            args=(unit,),
            queue=queue,
            retry=True,
            retry_policy={"max_retries": 1, "interval_start": 0.1},
        )


def queue_for(device: Device) -> str:
    """Jobs that insist on a GPU wait for a worker that has one; all others go to whoever is free."""
    return GPU_QUEUE if device == "cuda" else DEFAULT_QUEUE


def broker_url(redis_url: str) -> str:
    """Celery's name for a Redis server; it has its own for one behind a Unix socket."""
    return redis_url.replace("unix://", "redis+socket://", 1)
