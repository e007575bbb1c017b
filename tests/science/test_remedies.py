"""What remedies really do: the tables of theory (science §6), reproduced through the API."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits
from torch import nn

from tests.end_to_end.conftest import Up, clinic, finished
from tests.science.remedies_tables import CHANCE, RECALL, SIGMOIDS, Key, Row, cured, deviations, rows, within
from tests.support.torchscript import archive_of, scripted

__all__ = ["clinic"]

ARTICLE = {
    "model": {
        "kind": "spec",
        "layers": [
            {"op": "flatten"},
            {
                "op": "repeat",
                "times": 20,
                "layers": [
                    {"op": "linear", "units": 64, "init": "xavier_normal"},
                    {"op": "activation", "function": "sigmoid"},
                ],
            },
            {"op": "linear", "units": "targets"},
        ],
    },
    "data": {"kind": "builtin", "name": "digits"},
    "training": {"learning_rate": 0.05, "batch_size": 32, "steps": 390, "seed": 0},
    "limits": {"wall_seconds": 1800},
}
"""The article's network, with the step budget of the table."""

BLANK_STEPS = 100
HEAD = {"op": "linear", "units": "targets"}
BUDGET = {"steps": 2_000_000}
RATES = (0.01, 0.1)


def verdicts(job: dict[str, Any]) -> dict[Key, bool]:
    """Which trials were cures, of those that were made."""
    return {key: cured(trial) for key, trial in rows(job).items() if key[0] != "control"}


def asked_for(table: dict[Key, Row]) -> list[str]:
    return sorted({remedy for remedy, _ in table} - {"control"})


def of_layers(*layers: dict[str, Any], rate: float = 0.05) -> dict[str, Any]:
    """A job with these twenty layers in place of the sigmoids', as it is."""
    return ARTICLE | {
        "model": {
            "kind": "spec",
            "layers": [{"op": "flatten"}, *layers, {"op": "linear", "units": "targets"}],
        },
        "training": ARTICLE["training"] | {"learning_rate": rate},
        "remedies": {"try": "none"},
    }


def deep(function: str, init: str = "torch_default") -> dict[str, Any]:
    linear = {"op": "linear", "units": 64, "init": init}
    return {"op": "repeat", "times": 20, "layers": [linear, {"op": "activation", "function": function}]}


@pytest.mark.slow
@pytest.mark.timeout(5400)
def test_what_cures_twenty_sigmoid_layers_and_what_does_not(clinic: Up) -> None:
    request = of_layers(deep("sigmoid")) | {"remedies": {"try": asked_for(SIGMOIDS), "budget": BUDGET}}
    job = finished(clinic, request)

    assert job["status"] == "succeeded", job["error"]
    assert deviations(job, SIGMOIDS) == []
    cures = {remedy for (remedy, _), row in SIGMOIDS.items() if row.cured}
    assert set(job["diagnosis"]["prescription"]["remedies"]) <= cures


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_relu_without_its_initialisation_cures_nothing(clinic: Up) -> None:
    """The article's remedy, as its reader would apply it."""
    for rate in RATES:
        diagnosis = finished(clinic, of_layers(deep("relu"), rate=rate))["diagnosis"]
        assert within(diagnosis["outcome"]["value"], CHANCE)
        assert diagnosis["ledger"]["log10_total"] < -5.0
        assert diagnosis["verdict"] == "unhealthy"


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_residual_blocks_with_batch_normalisation_and_relu_train(clinic: Up) -> None:
    linear, norm = {"op": "linear", "units": 64}, {"op": "batch_norm"}
    block = {"op": "residual", "layers": [linear, norm, {"op": "activation", "function": "relu"}]}
    layers = (linear, {"op": "repeat", "times": 19, "layers": [block]})
    diagnosis = finished(clinic, of_layers(*layers))["diagnosis"]

    assert diagnosis["outcome"]["value"] > 0.85
    assert "vanishing_gradients" not in {finding["condition"] for finding in diagnosis["findings"]}


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_the_same_cures_work_on_the_network_uploaded_as_torchscript(clinic: Up) -> None:
    asked = ["activation", "batch_norm", "initialization", "layer_norm", "relu", "residual"]
    request = ARTICLE | {
        "model": {"kind": "torchscript", "checkpoint": uploaded(clinic, "checkpoints", sigmoids())},
        "training": ARTICLE["training"] | {"learning_rate": 0.1},
        "remedies": {"try": asked, "budget": BUDGET},
    }
    job = finished(clinic, request)

    expected = {key: bool(row.cured) for key, row in SIGMOIDS.items() if key[0] in asked}
    found = verdicts(job)
    assert {key: found[key] for key in expected} == expected
    prescription = job["diagnosis"]["prescription"]
    assert prescription["files"] == ["network.safetensors", "network.pt2"], prescription["files_missing"]
    assert accuracy(kept_network(clinic, job)) > 0.8


def sigmoids() -> bytes:
    """The article's network as somebody scripts it."""
    torch.manual_seed(0)
    hidden = [layer for _ in range(19) for layer in (nn.Linear(64, 64), nn.Sigmoid())]
    network = nn.Sequential(nn.Flatten(), nn.Linear(64, 64), nn.Sigmoid(), *hidden, nn.Linear(64, 10))
    return archive_of(scripted(network))


@pytest.mark.timeout(300)
def test_a_cure_is_told_from_what_is_none_and_can_be_taken_away(clinic: Up) -> None:
    """The short version: one of each kind, fewer steps."""
    request = ARTICLE | {
        "training": {"learning_rate": 0.5, "batch_size": 64, "steps": 120, "seed": 0},
        "remedies": {"try": ["batch_norm", "layer_norm"], "learning_rates": 1},
    }
    job = finished(clinic, request)

    diagnosis = job["diagnosis"]
    assert verdicts(job) == {("batch_norm", None): True, ("layer_norm", None): False}
    control, *others = diagnosis["trials"]
    assert control["before"]["attenuation"]["mean"] == pytest.approx(-12.5, abs=0.8)
    cured = next(trial for trial in others if trial["remedy"] == "batch_norm")
    assert cured["after"]["attenuation"]["mean"] > -1.5
    assert cured["improvement"]["mean"] > 0.3

    prescription = diagnosis["prescription"]
    assert prescription["remedies"] == ["batch_norm"]
    assert prescription["files"] == ["network.safetensors", "network.pt2"]
    the_prescribed_job_is_healthy(clinic, prescription["change"])
    assert prescription["network"]["metric"] > 0.5
    assert accuracy(kept_network(clinic, job)) > 0.5


def the_prescribed_job_is_healthy(clinic: Up, change: dict[str, Any]) -> None:
    parts = {name: change[name] for name in ("model", "data", "training")}
    job = finished(clinic, parts | {"remedies": {"try": "none"}})
    assert job["diagnosis"]["outcome"]["learned"] is True
    assert "vanishing_gradients" not in {f["condition"] for f in job["diagnosis"]["findings"]}


def kept_network(clinic: Up, job: dict[str, Any]) -> Any:
    path = job["links"]["artifacts"].format(file="network.pt2")
    return torch.export.load(io.BytesIO(clinic.http.get(path).content)).module()


def accuracy(network: Any) -> float:
    """On all digits, as they are: near the held-out accuracy, though not the same samples."""
    digits = load_digits()
    samples = torch.tensor(digits.data, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return float((network(samples).argmax(1) == torch.tensor(digits.target)).float().mean())


def uploaded(clinic: Up, kind: str, content: bytes) -> str:
    answer = clinic.http.post(f"/v1/{kind}", content=content, headers={"Content-Type": ""})
    answer.raise_for_status()
    return str(answer.json()["id"])


@pytest.fixture
def recall(clinic: Up) -> str:
    """Digits, a row a step, then blank steps: what was seen must be remembered. As an uploaded data set."""
    digits = load_digits()
    rows = (digits.data / 16.0).reshape(-1, 8, 8).astype(np.float32)
    blank = np.zeros((len(rows), BLANK_STEPS, 8), dtype=np.float32)
    file = io.BytesIO()
    np.savez(file, inputs=np.concatenate([rows, blank], axis=1), targets=digits.target)
    return uploaded(clinic, "datasets", file.getvalue())


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_cures_forgetting_over_a_hundred_steps_and_what_does_not(clinic: Up, recall: str) -> None:
    request = {
        "model": {
            "kind": "spec",
            "layers": [
                {"op": "recurrent", "cell": "rnn", "units": 32},
                {"op": "linear", "units": "targets"},
            ],
        },
        "data": {"kind": "upload", "dataset": recall},
        "training": {
            "optimizer": "adam",
            "learning_rate": 0.003,
            "batch_size": 32,
            "steps": 300,
            "clip_grad_norm": 1.0,
        },
        "remedies": {"try": asked_for(RECALL), "budget": BUDGET},
        "limits": {"wall_seconds": 3000},
    }
    job = finished(clinic, request)

    assert job["status"] == "succeeded", job["error"]
    assert deviations(job, RECALL) == []
