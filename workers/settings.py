"""What one worker may use and how it behaves. What front and workers must agree on is in `StoreSettings`."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.contract.job import JobRequest
from workers.isolation.confinement.policy import NOBODY, Policy, Protections
from workers.isolation.limits import MIB, ChildLimits
from workers.machine import available_cores, has_gpu, memory_bytes

SHARE_OF_MEMORY = 0.75
"""The rest is for the worker itself, its zygote and whatever else the machine does."""


class WorkerSettings(BaseSettings):
    """Settings of one worker; from the environment, `GRADIENT_CLINIC_…`."""

    model_config = SettingsConfigDict(
        env_prefix="GRADIENT_CLINIC_", frozen=True, extra="ignore", use_attribute_docstrings=True
    )

    queues: str = "gradient-clinic"
    """Celery queues to take jobs from, separated by commas; `gradient-clinic,gpu` on a machine with a GPU.
    Trials of remedies come from a queue beside each, `….trials`."""
    threads: int | None = Field(default=None, ge=1)
    """Threads that a job's tensor operations use; by default one per available core."""
    memory_mib: int | None = Field(default=None, ge=512)
    """Most memory a job may use, in MiB; by default 75 % of the machine's or container's. Divide it by the
    number of workers there."""
    stall_seconds: float = Field(default=120.0, gt=0.0)
    """How long a job may go without a training step or another sign of life."""
    shutdown_grace_seconds: float = Field(default=3.0, ge=0.0)
    """When a worker is asked to stop: how long its job may still run before it goes back to the queue."""
    job_user: int = Field(default=NOBODY, gt=0)
    """The user (a number; the group too) that jobs run as where the worker is root."""
    require_confinement: bool = False
    """Refuse jobs with uploads where the host offers no Landlock or no seccomp."""
    log_json: bool | None = None
    """Log lines as JSON; by default unless standard error is a terminal."""

    def limits_of(self, request: JobRequest) -> ChildLimits:
        """What a job may use here: what it asks for, within what this worker allows."""
        allowed = self.memory_mib * MIB if self.memory_mib else int(memory_bytes() * SHARE_OF_MEMORY)
        asked = request.limits.memory_mib
        return ChildLimits(
            wall_seconds=request.limits.wall_seconds,
            memory_bytes=min(asked * MIB, allowed) if asked else allowed,
            threads=self.threads or available_cores(),
            bound_data=not self._may_use_gpu(request),
        )

    def confinement_of(self, request: JobRequest, protections: Protections) -> Policy:
        """What a job is confined to here: what the worker found in force when it started must be again."""
        return Policy(user=self.job_user, cuda=self._may_use_gpu(request), required=protections.present)

    @staticmethod
    def _may_use_gpu(request: JobRequest) -> bool:
        return request.device != "cpu" and has_gpu()
