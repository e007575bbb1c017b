"""Archives that are made to do harm, and are stopped before torch sees them."""

import time
from io import BytesIO
from pathlib import Path

import pytest

from service.contract.errors import ErrorCode
from tests.support.hostile import HOSTILE, Hostile
from workers.uploads.archive import clean_torchscript
from workers.uploads.errors import InvalidUploadError, UnsafeUploadError, UploadError

_ERRORS: dict[ErrorCode | None, type[UploadError]] = {
    ErrorCode.MODEL_INVALID: InvalidUploadError,
    ErrorCode.UNSAFE_CHECKPOINT: UnsafeUploadError,
}
TORCHSCRIPT = [hostile for hostile in HOSTILE if hostile.format == "torchscript"]
STOPPED = [hostile for hostile in TORCHSCRIPT if hostile.stopped_by == "read"]
LATER = [hostile for hostile in TORCHSCRIPT if hostile.stopped_by != "read"]
MOST_SECONDS = 2.0
"""Of CPU, for the slowest; most take a few milliseconds."""


def by_name(hostile: Hostile) -> str:
    return hostile.name


@pytest.mark.parametrize("hostile", STOPPED, ids=by_name)
def test_is_stopped_soon_and_with_its_reason(hostile: Hostile, tmp_path: Path) -> None:
    content = hostile.make(tmp_path / "canary")
    began = time.process_time()
    with pytest.raises(_ERRORS[hostile.code]) as refusal:
        clean_torchscript(BytesIO(content))
    assert time.process_time() - began < MOST_SECONDS
    assert hostile.says in refusal.value.detail
    assert len(refusal.value.detail) < 400
    assert not (tmp_path / "canary").exists()


@pytest.mark.parametrize("hostile", LATER, ids=by_name)
def test_is_well_formed_so_that_it_reaches_the_stage_that_stops_it(hostile: Hostile, tmp_path: Path) -> None:
    assert clean_torchscript(BytesIO(hostile.make(tmp_path / "canary")))


def test_names_are_unique() -> None:
    assert len({hostile.name for hostile in HOSTILE}) == len(HOSTILE)
