"""How long the store keeps things, and where."""

from pathlib import Path

from pydantic import AliasChoices, Field
from pydantic_settings import BaseSettings, SettingsConfigDict

_DAY = 24 * 3600.0


class StoreSettings(BaseSettings):
    """Settings that front and workers must agree on; from the environment, `GRADIENT_CLINIC_…`."""

    model_config = SettingsConfigDict(
        env_prefix="GRADIENT_CLINIC_",
        frozen=True,
        extra="ignore",
        populate_by_name=True,
        use_attribute_docstrings=True,
    )

    redis_url: str = Field(
        default="redis://127.0.0.1:6379/0",
        validation_alias=AliasChoices("GRADIENT_CLINIC_REDIS_URL", "REDIS_URL"),
        repr=False,  # it may hold a password
    )
    """Where Redis is; also read from `REDIS_URL`."""
    data_dir: Path = Path(".gradient-clinic")
    """The folder for files of jobs and, with the embedded server, for Redis."""
    lease_seconds: float = Field(default=20.0, gt=0.0)
    """How long a worker may be silent before its job is given to another; renew four times as often."""
    max_attempts: int = Field(default=3, ge=1)
    """How many attempts may lose their worker before the job fails with `worker_lost`."""
    retention_seconds: float = Field(default=7 * _DAY, gt=0.0)
    """How long a final job is kept."""
    tombstone_seconds: float = Field(default=30 * _DAY, gt=0.0)
    """How long one remembers that a removed job existed."""
    idempotency_seconds: float = Field(default=_DAY, gt=0.0)
    """How long an idempotency key is remembered."""
    upload_retention_seconds: float = Field(default=7 * _DAY, gt=0.0)
    """How long an uploaded file is kept after it was last sent or used by a job."""
    max_queued: int = Field(default=1000, ge=1)
    """Jobs that may wait; more are refused."""
    resend_seconds: float = Field(default=15.0, gt=0.0)
    """How long a job may wait in the queue before its message is taken for lost and sent again."""
