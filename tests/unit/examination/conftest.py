from collections.abc import Iterator

import pytest

from tests.support.torch_threads import one_thread

__all__ = ["nothing_fails", "one_thread"]


@pytest.fixture
def nothing_fails(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """An experiment that fails is only logged; here it fails the test."""
    yield
    assert not caplog.records, caplog.text
