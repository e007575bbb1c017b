"""Settings from the environment."""

from pathlib import Path

import pytest
from pydantic import ValidationError

from service.store.settings import StoreSettings


@pytest.mark.parametrize("variable", ["REDIS_URL", "GRADIENT_CLINIC_REDIS_URL"])
def test_the_address_of_redis_comes_from_either_variable(
    monkeypatch: pytest.MonkeyPatch, variable: str
) -> None:
    for name in ("REDIS_URL", "GRADIENT_CLINIC_REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv(variable, "redis://elsewhere:1/2")

    assert StoreSettings().redis_url == "redis://elsewhere:1/2"


def test_the_specific_variable_wins_and_an_argument_wins_over_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REDIS_URL", "redis://general/0")
    monkeypatch.setenv("GRADIENT_CLINIC_REDIS_URL", "redis://specific/0")

    assert StoreSettings().redis_url == "redis://specific/0"
    assert StoreSettings(redis_url="redis://argument/0").redis_url == "redis://argument/0"


def test_other_settings_have_the_prefix(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GRADIENT_CLINIC_MAX_ATTEMPTS", "5")
    monkeypatch.setenv("GRADIENT_CLINIC_DATA_DIR", "/somewhere")

    settings = StoreSettings()

    assert (settings.max_attempts, settings.data_dir) == (5, Path("/somewhere"))


def test_the_password_is_not_shown() -> None:
    assert "secret" not in repr(StoreSettings(redis_url="redis://:secret@127.0.0.1/0"))


@pytest.mark.parametrize("setting", ["lease_seconds", "max_attempts", "retention_seconds", "max_queued"])
def test_senseless_values_are_refused(monkeypatch: pytest.MonkeyPatch, setting: str) -> None:
    monkeypatch.setenv(f"GRADIENT_CLINIC_{setting.upper()}", "0")

    with pytest.raises(ValidationError, match=setting):
        StoreSettings()
