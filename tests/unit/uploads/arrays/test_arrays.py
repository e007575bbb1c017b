"""Arrays of inputs and targets, as they come out of files."""

from collections.abc import Callable
from io import BytesIO
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from numpy.typing import NDArray

from tests.support.hostile.arrays import safetensors
from workers.uploads.arrays import read_arrays
from workers.uploads.errors import InvalidUploadError

ROWS = 24
INPUTS = np.random.default_rng(0).normal(size=(ROWS, 3)).astype(np.float32)
TARGETS = np.arange(ROWS) % 3
LARGEST = np.finfo(np.float32).max
Writer = Callable[..., bytes]

_NAMES = {
    "float64": "F64",
    "float32": "F32",
    "float16": "F16",
    "int64": "I64",
    "int32": "I32",
    "int16": "I16",
}
_NAMES |= {"int8": "I8", "uint64": "U64", "uint32": "U32", "uint16": "U16", "uint8": "U8", "bool": "BOOL"}


def as_npz(**named: NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.savez(buffer, **named)
    return buffer.getvalue()


def as_compressed_npz(**named: NDArray[Any]) -> bytes:
    buffer = BytesIO()
    np.savez_compressed(buffer, **named)
    return buffer.getvalue()


def as_safetensors(**named: NDArray[Any]) -> bytes:
    """As the format's description says; written here so that tests need no other library."""
    import json

    header, data = {}, b""
    for name, values in named.items():
        content = np.ascontiguousarray(values).tobytes()
        offsets = [len(data), len(data) + len(content)]
        header[name] = {"dtype": _NAMES[values.dtype.name], "shape": values.shape, "data_offsets": offsets}
        data += content
    described = json.dumps({"__metadata__": {"format": "np"}, **header}).encode()
    return len(described).to_bytes(8, "little") + described + data


WRITERS = [as_npz, as_compressed_npz, as_safetensors]


def read(
    content: bytes, inputs: str = "inputs", targets: str = "targets"
) -> tuple[NDArray[Any], NDArray[Any]]:
    return read_arrays(BytesIO(content), inputs, targets)


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("dtype", sorted(_NAMES))
def test_arrays_come_back_as_they_were(write: Writer, dtype: str) -> None:
    given_inputs = np.abs(INPUTS * 10).astype(dtype)
    inputs, targets = read(write(inputs=given_inputs, targets=TARGETS))
    assert np.array_equal(inputs, given_inputs)
    assert np.array_equal(targets, TARGETS)
    assert torch.from_numpy(inputs).shape == (ROWS, 3)  # without a warning: it can be written to


@given(
    values=arrays.arrays(
        st.sampled_from(["<f8", ">f4", "<i2", ">u4", "?"]),
        st.tuples(st.integers(20, 30), st.integers(1, 3), st.integers(1, 3)),
        elements={"allow_nan": False, "allow_infinity": False},
    ).filter(lambda values: values.dtype.kind != "f" or bool((np.abs(values) <= LARGEST).all())),
    column_major=st.booleans(),
)
def test_order_of_bytes_and_of_memory_do_not_matter(values: NDArray[Any], column_major: bool) -> None:
    stored = np.asfortranarray(values) if column_major else values
    inputs, _ = read(as_npz(inputs=stored, targets=np.zeros(len(values))))
    assert np.array_equal(inputs, values)
    assert inputs.dtype.isnative


def test_names_may_be_chosen_and_other_arrays_are_not_looked_at() -> None:
    content = as_npz(x=INPUTS, y=TARGETS, names=np.array(["a", "b"]))
    inputs, targets = read(content, "x", "y")
    assert len(inputs) == len(targets) == ROWS


def test_bfloat16_becomes_float32() -> None:
    values = torch.randn(ROWS, 2, generator=torch.Generator().manual_seed(0)).bfloat16()
    stored = values.view(torch.int16).numpy().tobytes()
    content = safetensors({"dtype": "BF16", "data_offsets": [0, 4 * ROWS]}, stored + bytes(12 * ROWS))
    inputs, _ = read(content)
    assert inputs.dtype == np.float32
    assert torch.equal(torch.from_numpy(inputs), values.float())


def test_it_reads_what_the_safetensors_library_writes() -> None:
    library = pytest.importorskip("safetensors.numpy", reason="the library is not installed")
    inputs, targets = read(library.save({"inputs": INPUTS, "targets": TARGETS}))
    assert np.array_equal(inputs, INPUTS)
    assert np.array_equal(targets, TARGETS)


WRONG: dict[str, tuple[dict[str, NDArray[Any]], str]] = {
    "missing name": ({"x": INPUTS, "y": TARGETS}, 'no array "inputs"; it has: "x", "y"'),
    "other rows": ({"inputs": INPUTS, "targets": TARGETS[:-1]}, "24 rows, but .* 23"),
    "few samples": ({"inputs": INPUTS[:19], "targets": TARGETS[:19]}, "19 samples; at least 20"),
    "one dimension": ({"inputs": INPUTS[:, 0], "targets": TARGETS}, r"reshape it"),
    "single target": ({"inputs": INPUTS, "targets": np.array(3)}, "a single number"),
    "no features": ({"inputs": INPUTS[:, :0], "targets": TARGETS}, "no values"),
    "not a number": (
        {"inputs": np.where(np.arange(ROWS)[:, None] == 7, np.nan, INPUTS), "targets": TARGETS},
        "row 7",
    ),
    "beyond float32": (
        {
            "inputs": np.where(np.arange(ROWS)[:, None] == 5, 1e300, INPUTS.astype(np.float64)),
            "targets": TARGETS,
        },
        '"inputs" .* too large for float32 .* row 5',
    ),
    "infinite target": ({"inputs": INPUTS, "targets": np.full(ROWS, np.inf)}, '"targets" .* row 0'),
    "too large integers": (
        {"inputs": np.full((ROWS, 1), 2**64 - 1, np.uint64), "targets": TARGETS},
        "63 bits",
    ),
}


@pytest.mark.parametrize("write", WRITERS)
@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(write: Writer, name: str) -> None:
    named, message = WRONG[name]
    with pytest.raises(InvalidUploadError, match=message):
        read(write(**named))


@pytest.mark.parametrize("dtype", ["complex64", "U3", "longdouble", "datetime64[s]"])
def test_types_that_are_no_numbers_are_refused(dtype: str) -> None:
    with pytest.raises(InvalidUploadError, match='"inputs" has the type'):
        read(as_npz(inputs=INPUTS.astype(np.int64).astype(dtype), targets=TARGETS))


def test_a_single_array_is_refused_with_advice() -> None:
    buffer = BytesIO()
    np.save(buffer, INPUTS)
    with pytest.raises(InvalidUploadError, match=r"np\.savez"):
        read(buffer.getvalue())


@pytest.mark.parametrize("content", [b"", b"PK", b"a,b\n1,2\n", bytes(100)])
def test_other_files_are_refused(content: bytes) -> None:
    with pytest.raises(InvalidUploadError, match=r"neither|not a zip"):
        read(content)


@pytest.mark.parametrize("write", WRITERS)
def test_sizes_are_bounded(write: Writer) -> None:
    with pytest.raises(InvalidUploadError, match="the most is 400"):
        read_arrays(BytesIO(write(inputs=INPUTS, targets=TARGETS)), "inputs", "targets", max_bytes=400)


@pytest.mark.parametrize("write", WRITERS)
def test_a_cut_off_file_is_refused(write: Writer) -> None:
    content = write(inputs=INPUTS, targets=TARGETS)
    for length in range(0, len(content) - 1, 37):
        with pytest.raises(InvalidUploadError):
            read(content[:length])
