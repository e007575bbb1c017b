"""What a job makes of a network and a data set that were uploaded, and what a sender is told of a mistake."""

import io
import warnings
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from safetensors.numpy import save
from torch import Tensor, nn

from service.contract.errors import ErrorCode
from service.contract.job import JobRequest
from tests.support.pt2 import export, saved
from tests.support.torchscript import archive_of, scripted, traced
from tests.support.uploads import upload_id
from workers.isolation.child import JobFailedError
from workers.preparation import Subject, blaming, prepare
from workers.training import train_and_probe

pytestmark = [
    pytest.mark.filterwarnings(f"ignore::{kind}")  # of torch.export itself
    for kind in ("FutureWarning", "DeprecationWarning", "UserWarning")
]
ROWS = 24
FEATURES = np.random.default_rng(0).normal(size=(ROWS, 4)).astype(np.float32)
SEQUENCES = np.random.default_rng(1).normal(size=(ROWS, 5, 4)).astype(np.float32)
TOKENS = np.random.default_rng(2).integers(0, 9, (ROWS, 5))
CLASSES = np.arange(ROWS) % 3


def request_for(kind: str, **fields: Any) -> JobRequest:
    file = upload_id(b"")
    return JobRequest.model_validate(
        {
            "model": {"kind": kind, "checkpoint": file, **fields},
            "data": {"kind": "upload", "dataset": file},
            "training": {"steps": 2, "batch_size": 8},
            "remedies": {"try": "none"},
        }
    )


def prepared(
    content: bytes,
    inputs: NDArray[Any] = FEATURES,
    targets: NDArray[Any] = CLASSES,
    kind: str = "torchscript",
    **fields: Any,
) -> tuple[JobRequest, Subject]:
    arrays = io.BytesIO()
    np.savez(arrays, inputs=inputs, targets=targets)
    files = {"checkpoint": content, "dataset": arrays.getvalue()}
    request = request_for(kind, **fields)
    return request, prepare(request, lambda name: io.BytesIO(files[name]))


def refusal(content: bytes, *arguments: Any, **fields: Any) -> str:
    with pytest.raises(JobFailedError) as failed:
        prepared(content, *arguments, **fields)
    assert failed.value.code in (ErrorCode.MODEL_INVALID, ErrorCode.DATA_INVALID)
    return failed.value.detail


class LastState(nn.Module):
    """A recurrent layer and the last of its outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.LSTM(4, 3, batch_first=True)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(x)[0][:, -1]


class Words(nn.Module):
    def __init__(self, *, sparse: bool = False) -> None:
        super().__init__()
        self.embedding = nn.Embedding(6, 4, sparse=sparse)
        self.head = nn.Linear(4, 3)

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.embedding(tokens).mean(1))


class Masked(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(4, 3)

    def forward(self, x: Tensor, mask: Tensor) -> Tensor:
        return self.head(x) * mask


def script(network: nn.Module) -> bytes:
    return archive_of(scripted(network))


def exported_linear() -> bytes:
    return saved(export(nn.Linear(4, 3), torch.ones(2, 4))).getvalue()


LINEAR = script(nn.Linear(4, 3))


ALONE: dict[str, tuple[Callable[[], bytes], NDArray[Any], NDArray[Any], dict[str, Any], tuple[str, str]]] = {
    "scripted": (lambda: LINEAR, FEATURES, CLASSES, {}, ("Linear", "linear")),
    "traced": (
        lambda: archive_of(traced(nn.Linear(4, 3), torch.ones(2, 4))), FEATURES, CLASSES, {},
        ("Linear", "linear"),
    ),
    "recurrent": (
        lambda: archive_of(traced(nn.LSTM(4, 9, batch_first=True), torch.ones(8, 5, 4))),
        SEQUENCES, TOKENS, {"output": 0}, ("LSTM", "recurrent"),
    ),
    "exported": (exported_linear, FEATURES, CLASSES, {"kind": "exported"}, ("linear", "linear")),
}  # fmt: skip


@pytest.mark.parametrize("name", ALONE)
def test_a_network_of_a_single_layer_is_trained_and_measured(name: str) -> None:
    make, inputs, targets, fields, expected = ALONE[name]
    request, subject = prepared(make(), inputs, targets, **fields)
    trace = train_and_probe(
        subject.network, subject.layers, subject.dataset, request.training, request.probe, subject.loss,
        torch.device("cpu"), lambda *_: None,
    )  # fmt: skip
    (layer,) = trace.layers
    assert (layer.name, layer.op) == expected
    assert len(trace.loss) == 2
    assert np.isfinite(trace.total_gradient_norm).all()


class TwoHeads(nn.Module):
    """One with a class per sample, one that is there only in training, and a part that is cut off."""

    def __init__(self) -> None:
        super().__init__()
        self.body, self.head, self.aux = nn.Linear(4, 6), nn.Linear(6, 3), nn.Linear(6, 2)
        self.norm, self.cut = nn.BatchNorm1d(6), nn.Linear(6, 6)

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        hidden = self.norm(self.body(x)) + self.cut(x.new_ones(6)).detach()
        return self.head(hidden), self.aux(hidden) if self.training else hidden


def test_the_head_of_an_output_that_is_not_chosen_is_frozen_and_not_called_cut_off() -> None:
    content = script(TwoHeads())
    _, subject = prepared(content, output=0)
    frozen = {name for name, each in subject.network.named_parameters() if not each.requires_grad}
    assert frozen == {"aux.weight", "aux.bias"}
    assert int(subject.network.get_buffer("norm.num_batches_tracked")) == 0


def test_an_embedding_with_sparse_gradients_is_trained_with_dense_ones() -> None:
    torch.manual_seed(0)
    network = Words(sparse=True)
    _, subject = prepared(script(network), TOKENS % 6)
    tokens = torch.from_numpy(TOKENS[:8] % 6)
    for each in (network, subject.network):
        each(tokens).square().sum().backward()
    gradient = subject.network.get_parameter("embedding.weight").grad
    assert gradient is not None
    assert not gradient.is_sparse
    assert network.embedding.weight.grad is not None
    assert torch.equal(gradient, network.embedding.weight.grad.to_dense())


def test_each_step_of_preparing_an_upload_gives_a_sign_of_life() -> None:
    """With a large network each takes so long that the job would count as stalled."""
    signs: list[int] = []
    arrays = io.BytesIO()
    np.savez(arrays, inputs=FEATURES, targets=CLASSES)
    files = {"checkpoint": LINEAR, "dataset": arrays.getvalue()}
    prepare(request_for("torchscript"), lambda name: io.BytesIO(files[name]), lambda: signs.append(1))
    assert len(signs) == 4  # the data, the file, the first pass, the layers


Refused = tuple[Callable[[], bytes], NDArray[Any], NDArray[Any], str, list[str]]


def quantised() -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return script(torch.ao.quantization.quantize_dynamic(nn.Sequential(nn.Linear(4, 3)), {nn.Linear}))


def weights_alone() -> bytes:
    return save({"weight": np.ones((3, 4), np.float32)})


MISTAKES: dict[str, Refused] = {
    "features for an image network": (
        lambda: script(nn.Sequential(nn.Conv2d(1, 2, 3), nn.Flatten())),
        FEATURES, CLASSES, "torchscript", ["(8, 4) and type float32", "input to conv2d"],
    ),
    "a token that is not in the table": (
        lambda: script(Words()), TOKENS, CLASSES, "torchscript", ["6 rows, 0 to 5", "tokens 0 to 8"],
    ),
    "real numbers for tokens": (
        lambda: script(Words()), FEATURES, CLASSES, "torchscript", ["takes tokens", "float32", "int64 array"],
    ),
    "tokens for features": (
        lambda: LINEAR, TOKENS[:, :4], CLASSES, "torchscript", ["int64, 0 to 8", "save features as float32"],
    ),
    "other features a step": (
        lambda: archive_of(traced(LastState(), torch.ones(8, 5, 4))),
        SEQUENCES[:, :, :1], CLASSES, "torchscript", ["takes 4 features a step, and is given 1"],
    ),
    "a .pt2 archive as TorchScript": (
        exported_linear, FEATURES, CLASSES, "torchscript", [".pt2 archive", '"kind": "exported"'],
    ),
    "a TorchScript archive as .pt2": (
        lambda: LINEAR, FEATURES, CLASSES, "exported", ["TorchScript archive", '"kind": "torchscript"'],
    ),
    "weights as TorchScript": (
        weights_alone, FEATURES, CLASSES, "torchscript", ["safetensors", "weights without a graph"],
    ),
    "weights as .pt2": (weights_alone, FEATURES, CLASSES, "exported", ["weights without a graph"]),
    "a quantised network": (
        quantised, FEATURES, CLASSES, "torchscript", ["quantised", "the one before quantisation"],
    ),
    "two inputs": (
        lambda: script(Masked()), FEATURES, CLASSES, "torchscript", ["2 inputs (x, mask); a job gives"],
    ),
    "classes as real numbers": (
        lambda: LINEAR, FEATURES, CLASSES.astype(np.float32), "torchscript",
        ["(8, 3)", "(8, 1)", "for classes, save whole numbers"],
    ),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_told_with_what_to_do(mistake: str) -> None:
    make, inputs, targets, kind, said = MISTAKES[mistake]
    detail = refusal(make(), inputs, targets, kind=kind)
    assert [part for part in said if part not in detail] == [], detail
    assert len(detail) < 600


def test_a_network_given_as_data_is_recognised() -> None:
    for content in (LINEAR, exported_linear()):
        with pytest.raises(JobFailedError, match="holds a network") as failed:
            prepare(request_for("torchscript"), lambda _, content=content: io.BytesIO(content))
        assert failed.value.code is ErrorCode.DATA_INVALID


def test_of_a_long_message_only_the_first_line_is_told() -> None:
    with pytest.raises(JobFailedError) as failed, blaming(ErrorCode.MODEL_INVALID, "It cannot be built"):
        raise RuntimeError("the reason\n" + "a developer's details\n" * 1000)
    assert failed.value.detail == "It cannot be built: the reason"
