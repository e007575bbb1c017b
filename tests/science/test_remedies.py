"""What remedies really do: the tables of theory (science §6), reproduced through the API."""

import io
from typing import Any

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

from tests.end_to_end.conftest import Up, clinic, finished

__all__ = ["clinic"]

Key = tuple[str, str | None]

SIGMOIDS = {
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

CURES: set[Key] = {
    ("initialization", "lsuv"),
    ("batch_norm", None),
    ("residual", "plain"),
    ("residual", "rezero"),
    ("residual", "batch_norm"),
    ("highway", None),
    ("activation", "tanh"),
    ("relu", None),
    ("layerwise_pretraining", "supervised"),
}
FUTILE: set[Key] = {
    ("initialization", "xavier"),
    ("initialization", "he"),
    ("initialization", "orthogonal"),
    ("layer_norm", None),
    ("gradient_clipping", None),
    ("layerwise_pretraining", "reconstruction"),
    ("learning_rate", None),
}
"""They leave the gradient as small as it was, or nearly so, and the accuracy at chance."""

BLANK_STEPS = 100


def verdicts(job: dict[str, Any]) -> dict[Key, bool]:
    """Which trials were cures, of those that were made."""
    return {
        (trial["remedy"], trial["variant"]): bool(trial["resolved"] and trial["learned"])
        for trial in job["diagnosis"]["trials"]
        if trial["status"] == "done" and trial["remedy"] != "control"
    }


def asked_for(keys: set[Key]) -> list[str]:
    return sorted({remedy for remedy, _ in keys})


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_what_cures_twenty_sigmoid_layers_and_what_does_not(clinic: Up) -> None:
    request = SIGMOIDS | {"remedies": {"try": asked_for(CURES | FUTILE)}}
    job = finished(clinic, request)
    found = verdicts(job)

    assert job["status"] == "succeeded", job["error"]
    assert {key for key in CURES if not found[key]} == set()
    assert {key for key in FUTILE if found[key]} == set()
    assert tuple(job["diagnosis"]["prescription"]["remedies"]) in {(remedy,) for remedy, _ in CURES}


def test_a_cure_is_told_from_what_is_none_and_can_be_taken_away(clinic: Up) -> None:
    """The short version: one of each kind, fewer steps."""
    request = SIGMOIDS | {
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
    kept = clinic.http.get(f"/v1/jobs/{job['id']}/artifacts/network.pt2")
    assert accuracy(torch.export.load(io.BytesIO(kept.content)).module()) > 0.5


def the_prescribed_job_is_healthy(clinic: Up, change: dict[str, Any]) -> None:
    parts = {name: change[name] for name in ("model", "data", "training")}
    job = finished(clinic, parts | {"remedies": {"try": "none"}})
    assert job["diagnosis"]["outcome"]["learned"] is True
    assert "vanishing_gradients" not in {f["condition"] for f in job["diagnosis"]["findings"]}


def accuracy(network: Any) -> float:
    """On all digits, standardised over all: near the held-out accuracy, though not the same samples."""
    digits = load_digits()
    inputs = digits.data - digits.data.mean(0)
    spread = digits.data.std(0)
    inputs = inputs / np.where(spread < 1e-6, 1.0, spread)
    samples = torch.tensor(inputs, dtype=torch.float32).reshape(-1, 1, 8, 8)
    return float((network(samples).argmax(1) == torch.tensor(digits.target)).float().mean())


@pytest.fixture
def recall(clinic: Up) -> str:
    """Digits, a row a step, then blank steps: what was seen must be remembered. As an uploaded data set."""
    digits = load_digits()
    rows = (digits.data / 16.0).reshape(-1, 8, 8).astype(np.float32)
    blank = np.zeros((len(rows), BLANK_STEPS, 8), dtype=np.float32)
    file = io.BytesIO()
    np.savez(file, inputs=np.concatenate([rows, blank], axis=1), targets=digits.target)
    answer = clinic.http.post("/v1/datasets", content=file.getvalue(), headers={"Content-Type": ""})
    answer.raise_for_status()
    return str(answer.json()["id"])


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
        "remedies": {"try": ["lstm", "gru", "orthogonal_recurrence"]},
        "limits": {"wall_seconds": 3000},
    }
    job = finished(clinic, request)
    learned = {
        (trial["remedy"], trial["variant"]): trial["learned"]
        for trial in job["diagnosis"]["trials"]
        if trial["status"] == "done"
    }

    for key in (("lstm", "chrono"), ("gru", "chrono"), ("orthogonal_recurrence", "orthogonal")):
        assert learned[key] is True, key
    assert learned[("orthogonal_recurrence", "identity")] is True
    for key in (("control", None), ("lstm", "default"), ("lstm", "forget_bias_1"), ("gru", "default")):
        assert learned[key] is not True, key
