"""Short leases, and jobs that go wrong on request."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from service.contract.job import JobRequest
from service.store.jobs import BlockingJobStore
from service.store.settings import StoreSettings
from tests.support.workers import Jobs

Faulty = Callable[..., JobRequest]


@pytest.fixture
def store_settings(store_settings: StoreSettings) -> StoreSettings:
    """As everywhere, but a silent worker is taken for lost soon."""
    return store_settings.model_copy(update={"lease_seconds": 2.0, "max_attempts": 2})


@pytest.fixture
def jobs(store: BlockingJobStore, store_settings: StoreSettings) -> Iterator[Jobs]:
    client = Jobs(store, store_settings)
    yield client
    client.close()


@pytest.fixture
def release(tmp_path: Path) -> Path:
    """Touch it to let jobs that `train_until_released` end."""
    return tmp_path / "released"


@pytest.fixture
def faulty(release: Path) -> Faulty:
    """A request whose job behaves like `faulty("name of an entry")`; other arguments are its limits."""

    def request(entry: str, **limits: float) -> JobRequest:
        return JobRequest.model_validate(
            {
                "model": {"kind": "spec", "layers": [{"op": "linear", "units": "targets"}]},
                "data": {"kind": "builtin", "name": "iris"},
                "limits": limits,
                "metadata": {"entry": entry, "release": str(release)},
            }
        )

    return request
