"""Data sets that clients upload."""

import io
from collections.abc import Callable
from typing import Any, BinaryIO

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from service.contract.data_spec import UploadData
from workers.data import Dataset, load_dataset, shape_of
from workers.uploads.errors import InvalidUploadError

ROWS = 40
REAL = np.random.default_rng(0).normal(size=(ROWS, 5)).astype(np.float32)
IMAGES = np.random.default_rng(1).integers(0, 255, (ROWS, 3, 6, 6)).astype(np.uint8)
TOKENS = np.random.default_rng(2).integers(0, 9, (ROWS, 7))
CLASSES = np.arange(ROWS) % 3


def opened(**arrays: NDArray[Any]) -> Callable[[str], BinaryIO]:
    file = io.BytesIO()
    np.savez(file, **arrays)

    def open_file(name: str) -> BinaryIO:
        assert name == "dataset"
        return io.BytesIO(file.getvalue())

    return open_file


def load(inputs: NDArray[Any], labels: NDArray[Any], **fields: Any) -> Dataset:
    data = UploadData(dataset="sha256:" + "0" * 64, **fields)
    return load_dataset(data, seed=0, open_file=opened(inputs=inputs, targets=labels))


def test_rows_stay_together_and_are_split_the_same_way_each_time() -> None:
    inputs = np.arange(ROWS, dtype=np.float32)[:, None]
    first, second = (load(inputs, CLASSES) for _ in range(2))

    rows = torch.cat([first.train_inputs, first.test_inputs]).flatten().long()
    labels = torch.cat([first.train_targets, first.test_targets])
    assert (len(first.train_inputs), len(first.test_inputs)) == (28, 12)
    assert sorted(rows.tolist()) == list(range(ROWS))
    assert torch.equal(labels, rows % 3)
    assert torch.equal(first.train_inputs, second.train_inputs)


@pytest.mark.parametrize(
    ("inputs", "targets", "task", "shape", "vocabulary", "classes", "outputs"),
    [
        (REAL, CLASSES, "classification", (5,), None, 3, 1),
        (IMAGES, CLASSES, "classification", (3, 6, 6), None, 3, 1),
        (TOKENS, CLASSES > 0, "classification", (7,), 9, 2, 1),
        (REAL, REAL[:, 0], "regression", (5,), None, None, 1),
        (REAL, REAL[:, :2].astype(np.float64), "regression", (5,), None, None, 2),
    ],
)
def test_what_the_arrays_hold_decides_what_is_learned(
    inputs: NDArray[Any],
    targets: NDArray[Any],
    task: str,
    shape: tuple[int, ...],
    vocabulary: int | None,
    classes: int | None,
    outputs: int,
) -> None:
    found = shape_of(load(inputs, targets))

    assert (found.task, found.sample.shape, found.sample.vocabulary) == (task, shape, vocabulary)
    assert (found.classes, found.outputs, found.samples) == (classes, outputs, ROWS)


def test_more_classes_than_occur_can_be_asked_for() -> None:
    assert load(REAL, CLASSES, classes=10).classes == 10


def test_standardized_inputs_have_mean_zero_and_spread_one_over_the_training_samples() -> None:
    inputs = load(100.0 + 5.0 * REAL, CLASSES, standardize=True).train_inputs

    torch.testing.assert_close(inputs.mean(0), torch.zeros(5), atol=1e-5, rtol=0)
    torch.testing.assert_close(inputs.std(0, correction=0), torch.ones(5), atol=1e-4, rtol=0)


@pytest.mark.parametrize(
    ("targets", "fields", "said"),
    [
        (CLASSES - 1, {}, "classes -1 to 1; they must be 0 to"),
        (CLASSES, {"classes": 2}, "classes 0 to 2; they must be 0 to 1"),
        (REAL[:, 0], {"classes": 2}, "save classes as whole numbers"),
        (CLASSES, {"targets": "labels"}, "labels"),
    ],
)
def test_what_cannot_be_learned_from_is_told_what_is_wrong(
    targets: NDArray[Any], fields: dict[str, Any], said: str
) -> None:
    with pytest.raises(InvalidUploadError) as refused:
        load(REAL, targets, **fields)
    assert said in refused.value.detail


def test_tokens_cannot_be_standardized() -> None:
    with pytest.raises(InvalidUploadError, match="tokens cannot be standardised"):
        load(TOKENS, CLASSES, standardize=True)


def test_a_class_per_position_is_for_uploaded_networks_only() -> None:
    maps = load(IMAGES, np.zeros((ROWS, 6, 6), dtype=np.int64))

    assert maps.classes == 2
    with pytest.raises(InvalidUploadError, match="upload the network, too"):
        shape_of(maps)
