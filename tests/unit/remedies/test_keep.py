"""The trained network as files, for whoever has the data as they were before the job standardised them."""

import io
import json
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file
from torch import Tensor, nn

from service.contract.data_spec import BuiltinData
from service.contract.model_spec import ExportedModel, TorchScriptModel, UploadedModel
from tests.support.torchscript import archive_of, scripted, traced
from workers.data import Dataset, load_dataset
from workers.remedies.trials.keep import PROGRAM, WEIGHTS, keep_network
from workers.uploads.network import load_network

BATCHES = (1, 2, 37, 300)
MANY = 5000


def digits(*, standardize: bool = True) -> Dataset:
    return load_dataset(BuiltinData(name="digits", standardize=standardize), seed=0)


def diabetes() -> Dataset:
    return load_dataset(BuiltinData(name="diabetes"), seed=0)


def mlp(inputs: int = 64, outputs: int = 10) -> nn.Module:
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Flatten(), nn.Linear(inputs, 16), nn.BatchNorm1d(16), nn.ReLU(), nn.Linear(16, outputs)
    )


def program(folder: Path) -> nn.Module:
    module: nn.Module = torch.export.load(folder / PROGRAM).module()
    return module


def exported(network: nn.Module, inputs: Tensor) -> bytes:
    file = io.BytesIO()
    batch = ({0: torch.export.Dim.DYNAMIC},)
    torch.export.save(torch.export.export(network, (inputs[:2],), dynamic_shapes=batch), file)
    return file.getvalue()


UPLOADS: dict[str, tuple[type[UploadedModel], Callable[[nn.Module, Tensor], bytes]]] = {
    "scripted": (TorchScriptModel, lambda network, _: archive_of(scripted(network))),
    "traced": (TorchScriptModel, lambda network, inputs: archive_of(traced(network, inputs[:2]))),
    "exported": (ExportedModel, exported),
}


def test_the_program_takes_batches_of_any_size_as_the_data_were_given(tmp_path: Path) -> None:
    network, data, raw = mlp().eval(), digits(), digits(standardize=False)
    kept = keep_network(network, data, tmp_path)
    assert (kept.files, kept.missing) == ((WEIGHTS, PROGRAM), {})
    made = program(tmp_path)
    with torch.no_grad():
        for size in BATCHES:
            torch.testing.assert_close(made(raw.train_inputs[:size]), network(data.train_inputs[:size]))


def test_data_that_were_not_standardized_go_through_as_they_are(tmp_path: Path) -> None:
    network, raw = mlp().eval(), digits(standardize=False)
    keep_network(network, raw, tmp_path)
    with torch.no_grad():
        torch.testing.assert_close(program(tmp_path)(raw.test_inputs), network(raw.test_inputs))
    with safe_open(tmp_path / WEIGHTS, "pt") as file:
        assert not file.metadata()


def test_a_regression_answers_in_the_units_of_its_targets(tmp_path: Path) -> None:
    network, data = mlp(10, 1).eval(), diabetes()
    raw = load_dataset(BuiltinData(name="diabetes", standardize=False), seed=0)
    keep_network(network, data, tmp_path)
    with torch.no_grad():
        answers, inner = program(tmp_path)(raw.test_inputs), network(data.test_inputs)
    error = float((answers - raw.test_targets).square().mean())
    inner_error = float((inner - data.test_targets).square().mean())
    assert error / raw.chance == pytest.approx(inner_error / data.chance, rel=1e-3)


def test_the_weights_are_the_networks_own_and_beside_them_stands_how_the_data_were_scaled(
    tmp_path: Path,
) -> None:
    network, data, raw = mlp(), digits(), digits(standardize=False)
    keep_network(network, data, tmp_path)
    mlp().load_state_dict(load_file(tmp_path / WEIGHTS))
    with safe_open(tmp_path / WEIGHTS, "pt") as file:
        mean, std = (torch.tensor(json.loads(file.metadata()[f"input.{part}"])) for part in ("mean", "std"))
    scaled = (raw.test_inputs.flatten(1) - mean) / std
    torch.testing.assert_close(scaled, data.test_inputs.flatten(1), rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", UPLOADS)
def test_an_uploaded_network_is_kept_as_one_that_was_written_here(name: str, tmp_path: Path) -> None:
    kind, written = UPLOADS[name]
    data, raw = digits(), digits(standardize=False)
    archive = written(mlp().eval(), data.train_inputs)
    model = kind.model_validate({"checkpoint": f"sha256:{'0' * 64}"})
    network = load_network(model, io.BytesIO(archive))
    kept = keep_network(network, data, tmp_path)
    assert kept.files == (WEIGHTS, PROGRAM), kept.missing
    made = program(tmp_path)
    with torch.no_grad():
        for size in BATCHES:
            torch.testing.assert_close(made(raw.train_inputs[:size]), network(data.train_inputs[:size]))
        assert made(torch.zeros(MANY, *raw.train_inputs.shape[1:])).shape == (MANY, 10)


class OfTwo(nn.Module):
    """Only for batches of two."""

    def __init__(self) -> None:
        super().__init__()
        self.layer = nn.Linear(64, 10)

    def forward(self, inputs: Tensor) -> Tensor:
        outputs: Tensor = self.layer(inputs.reshape(2, 64))
        return outputs


def test_a_network_that_fixes_its_batch_size_is_not_written_and_it_is_said_why(tmp_path: Path) -> None:
    kept = keep_network(OfTwo(), digits(), tmp_path)
    assert kept.files == (WEIGHTS,)
    assert "torch.export cannot write this network" in kept.missing[PROGRAM]
    assert not (tmp_path / PROGRAM).exists()
