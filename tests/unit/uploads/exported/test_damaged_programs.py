"""Whatever is wrong with an archive, it is refused, in words: reading it raises nothing else."""

import zipfile
from contextlib import suppress
from io import BytesIO

import pytest
from hypothesis import given

from tests.support.hostile.damage import damaged
from tests.support.hostile.exported import archive
from workers.uploads.errors import UploadError
from workers.uploads.exported import load_exported

PROGRAM = "archive/models/model.json"
WEIGHTS = "archive/data/weights/model_weights_config.json"


def entry(name: str) -> bytes:
    with zipfile.ZipFile(BytesIO(archive())) as container:
        return container.read(name)


@given(damaged(archive()))
def test_a_damaged_archive_is_refused_or_still_sound(content: bytes) -> None:
    with suppress(UploadError):
        load_exported(BytesIO(content))


@pytest.mark.parametrize("name", [PROGRAM, WEIGHTS])
def test_a_damaged_document_is_refused_or_still_sound(name: str) -> None:
    @given(damaged(entry(name)))
    def holds(content: bytes) -> None:
        with suppress(UploadError):
            load_exported(BytesIO(archive(more={name: content})))

    holds()
