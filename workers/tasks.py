"""The one Celery task: it carries a job's id and nothing else. The truth about the job is in the store."""

import logging
from collections.abc import Callable
from typing import Any

from kombu.exceptions import OperationalError

from workers.supervisor import Supervisor

TASK = "gradient_clinic.run_job"
DEFAULT_QUEUE = "gradient-clinic"

log = logging.getLogger(__name__)


def register(app: Any, supervisor: Callable[[], Supervisor]) -> None:
    """Add the task to a Celery app; `supervisor` is asked for when a message arrives."""

    def run_job(task: Any, job_id: str) -> None:
        if supervisor().run(job_id) == "requeued":
            queue = (task.request.delivery_info or {}).get("routing_key") or DEFAULT_QUEUE
            _send_again(app, job_id, queue)

    app.task(run_job, name=TASK, bind=True, ignore_result=True, shared=False)  # shared: with other apps


def _send_again(app: Any, job_id: str, queue: str) -> None:
    try:
        app.send_task(TASK, (job_id,), queue=queue, retry=False)
    except OperationalError as error:  # the reaper does it at its next look
        log.warning("could not send a message for a job given back: %s", error)
