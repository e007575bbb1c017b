"""Settings of the front."""

from pydantic import Field
from pydantic_settings import BaseSettings, SettingsConfigDict

from service.contract.planning import SizeLimits
from service.store.settings import StoreSettings


class Settings(BaseSettings):
    """Settings of the HTTP API; from the environment, `GRADIENT_CLINIC_…`, nested ones with a double
    underscore: `GRADIENT_CLINIC_SIZES__PARAMETERS`."""

    model_config = SettingsConfigDict(
        env_prefix="GRADIENT_CLINIC_",
        env_nested_delimiter="__",
        frozen=True,
        extra="ignore",
        use_attribute_docstrings=True,
    )

    store: StoreSettings = Field(default_factory=StoreSettings)
    """What front and workers share."""
    sizes: SizeLimits = SizeLimits()
    """How large a network may be."""
    body_bytes: int = Field(default=2**20, ge=1024)
    """Largest accepted request body."""
    body_seconds: float = Field(default=30.0, gt=0.0)
    """How long a request body may take to arrive."""
    upload_bytes: int = Field(default=2**31, ge=1024)
    """Largest accepted file."""
    upload_idle_seconds: float = Field(default=30.0, gt=0.0, le=600.0)
    """How long a file that is being uploaded may pause; it may take as long as it needs."""
    max_wait_seconds: float = Field(default=30.0, ge=0.0)
    """How long a client may ask to wait; longer wishes are cut to this."""
    log_level: str = Field(default="info", pattern="^(debug|info|warning|error)$")
    """`debug` also logs every successful read."""
