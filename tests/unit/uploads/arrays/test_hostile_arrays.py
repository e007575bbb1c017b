"""Data sets that are made to do harm."""

import time
from io import BytesIO
from pathlib import Path

import pytest

from tests.support.hostile import HOSTILE, Hostile
from workers.uploads.arrays import read_arrays
from workers.uploads.errors import InvalidUploadError

DATA = [hostile for hostile in HOSTILE if hostile.format in ("npz", "safetensors")]


@pytest.mark.parametrize("hostile", DATA, ids=lambda hostile: hostile.name)
def test_is_refused_soon_and_with_its_reason(hostile: Hostile, tmp_path: Path) -> None:
    content = hostile.make(tmp_path / "canary")
    began = time.process_time()
    with pytest.raises(InvalidUploadError) as refusal:
        read_arrays(BytesIO(content), "inputs", "targets", max_bytes=2**27)
    assert time.process_time() - began < 0.5
    assert hostile.says in refusal.value.detail
    assert not (tmp_path / "canary").exists()
