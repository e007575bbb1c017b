"""Whatever is wrong with a file, it is refused, in words: nothing else is ever raised."""

from contextlib import suppress
from io import BytesIO

from hypothesis import given

from tests.support.hostile.arrays import npy, npz, safetensors
from tests.support.hostile.damage import damaged
from workers.uploads.arrays import read_arrays
from workers.uploads.errors import InvalidUploadError


@given(damaged(npz(npy("(24, 2)", "'<f4'", bytes(192)))))
def test_a_damaged_npz_file_is_refused_or_still_sound(content: bytes) -> None:
    with suppress(InvalidUploadError):
        read_arrays(BytesIO(content), "inputs", "targets", max_bytes=2**20)


@given(damaged(npy("(24, 2)", "'<f4'", bytes(192))).map(npz))
def test_a_damaged_array_in_a_sound_npz_file_is_refused_or_still_sound(content: bytes) -> None:
    with suppress(InvalidUploadError):
        read_arrays(BytesIO(content), "inputs", "targets", max_bytes=2**20)


@given(damaged(safetensors({})))
def test_a_damaged_safetensors_file_is_refused_or_still_sound(content: bytes) -> None:
    with suppress(InvalidUploadError):
        read_arrays(BytesIO(content), "inputs", "targets", max_bytes=2**20)
