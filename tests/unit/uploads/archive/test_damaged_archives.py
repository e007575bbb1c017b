"""Whatever is wrong with a file, it is refused, in words: nothing else is ever raised."""

from contextlib import suppress
from io import BytesIO

from hypothesis import given

from tests.support.hostile.damage import damaged
from tests.support.hostile.writing import DECLARATIONS, FORWARD, RESULT, WEIGHTS, network, torchscript
from workers.uploads.archive import clean_torchscript
from workers.uploads.archive.pickles import check_pickle
from workers.uploads.archive.source import check_sources
from workers.uploads.errors import UploadError


@given(damaged(torchscript()))
def test_a_damaged_archive_is_refused_or_still_sound(content: bytes) -> None:
    with suppress(UploadError):
        clean_torchscript(BytesIO(content))


@given(damaged(network()))
def test_a_damaged_pickle_is_refused_or_still_sound(content: bytes) -> None:
    with suppress(UploadError):
        check_pickle(content, {"0": len(WEIGHTS)})


@given(damaged((DECLARATIONS + FORWARD + RESULT).encode()))
def test_damaged_code_is_refused_or_still_sound(content: bytes) -> None:
    with suppress(UploadError):
        check_sources([("code/__torch__.py", content)])
