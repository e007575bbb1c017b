"""docs/operations.md against the code."""

from pathlib import Path

import pytest

from service.settings import Settings
from service.store.settings import StoreSettings
from workers.settings import WorkerSettings

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
NESTED = {"store", "sizes"}


@pytest.mark.parametrize("settings", [StoreSettings, Settings, WorkerSettings])
def test_every_setting_is_documented(
    settings: type[StoreSettings] | type[Settings] | type[WorkerSettings],
) -> None:
    names = {f"GRADIENT_CLINIC_{name.upper()}" for name in settings.model_fields if name not in NESTED}
    assert {name for name in names if f"`{name}`" not in PAGE} == set()
