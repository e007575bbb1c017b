"""`.pt2` archives that are made to do harm."""

import time
from io import BytesIO
from pathlib import Path

import pytest
import torch

from service.contract.errors import ErrorCode
from tests.support.hostile import HOSTILE, Hostile
from tests.support.hostile.exported import archive
from tests.support.torch_threads import one_thread
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError
from workers.uploads.exported import load_exported

__all__ = ["one_thread"]

_ERRORS = {ErrorCode.MODEL_INVALID: InvalidUploadError, ErrorCode.UNSAFE_CHECKPOINT: UnsafeUploadError}
PROGRAMS = [hostile for hostile in HOSTILE if hostile.format == "exported"]
HARMLESS = [hostile for hostile in PROGRAMS if hostile.code is None]
HARMFUL = [h for h in PROGRAMS if h.code is not None and h.stopped_by != "training"]


@pytest.mark.parametrize("hostile", HARMFUL, ids=lambda hostile: hostile.name)
def test_is_refused_soon_and_with_its_reason(hostile: Hostile, tmp_path: Path) -> None:
    content = hostile.make(tmp_path / "canary")
    began = time.process_time()
    assert hostile.code is not None
    with pytest.raises(_ERRORS[hostile.code]) as refusal:
        load_exported(BytesIO(content))(torch.ones(2, 4))
    assert time.process_time() - began < 0.5
    assert hostile.says in refusal.value.detail
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("hostile", HARMLESS, ids=lambda hostile: hostile.name)
def test_what_is_never_read_does_no_harm(hostile: Hostile, tmp_path: Path) -> None:
    network = load_exported(BytesIO(hostile.make(tmp_path / "canary")))
    assert torch.equal(network(torch.ones(2, 4)), torch.ones(2, 4))
    assert not (tmp_path / "canary").exists()


def test_the_example_that_hostile_archives_vary_is_itself_a_network() -> None:
    assert torch.equal(load_exported(BytesIO(archive()))(torch.ones(2, 4)), torch.ones(2, 4))
