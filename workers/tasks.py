"""The one Celery task: it carries the name of a unit of work and nothing else. The truth is in the store."""

import logging
from collections.abc import Callable, Iterable
from typing import Any

from kombu.exceptions import OperationalError

from service.store.trial_commands import TRIALS_SUFFIX, queue_of
from workers.supervisor import Supervisor

TASK = "gradient_clinic.run_job"
DEFAULT_QUEUE = "gradient-clinic"

log = logging.getLogger(__name__)


def register(app: Any, supervisor: Callable[[], Supervisor]) -> None:
    """Add the task to a Celery app; `supervisor` is asked for when a message arrives."""

    def run_job(task: Any, unit: str) -> None:
        queue = (task.request.delivery_info or {}).get("routing_key") or DEFAULT_QUEUE
        _send(app, supervisor().run(unit), queue.removesuffix(TRIALS_SUFFIX))

    app.task(run_job, name=TASK, bind=True, ignore_result=True, shared=False)  # shared: with other apps


def _send(app: Any, units: Iterable[str], jobs_queue: str) -> None:
    try:
        for unit in units:
            app.send_task(TASK, (unit,), queue=queue_of(unit, jobs_queue), retry=False)
    except OperationalError as error:  # the reaper does it
        log.warning("could not send the messages of what is to be done next: %s", error)
